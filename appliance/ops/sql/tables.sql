-- Every table of the desk that holds something, the largest first.
SELECT
    relname AS name,
    n_live_tup AS rows,
    pg_total_relation_size(relid) AS size,
    pg_indexes_size(relid) AS index_size,
    coalesce(idx_scan, 0) AS index_scans,
    seq_scan AS whole_scans,
    seq_tup_read AS rows_read_whole,
    n_dead_tup AS dead_rows,
    greatest(last_vacuum, last_autovacuum) AS vacuumed_at
FROM pg_stat_user_tables
WHERE pg_total_relation_size(relid) > 64 * 1024
ORDER BY size DESC, name
