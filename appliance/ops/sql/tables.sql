-- Every table larger than 64 kB, the largest first.
SELECT
    relname AS name,
    n_live_tup AS rows,
    pg_total_relation_size(relid) AS size,
    pg_indexes_size(relid) AS index_size,
    coalesce(idx_scan, 0) AS index_scans,
    seq_scan AS sequential_scans,
    n_dead_tup AS dead_rows,
    greatest(last_vacuum, last_autovacuum) AS vacuumed_at
FROM pg_stat_user_tables
WHERE pg_total_relation_size(relid) > 64 * 1024
ORDER BY size DESC, name
