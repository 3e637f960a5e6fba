-- Every index: how often and when it was last used, its size, and whether it enforces uniqueness.
-- The largest first.
SELECT
    s.indexrelname AS name,
    s.relname AS table_name,
    s.idx_scan AS scans,
    s.last_idx_scan AS last_used_at,
    pg_relation_size(s.indexrelid) AS size,
    i.indisunique AS is_unique,
    i.indisvalid AS is_valid
FROM pg_stat_user_indexes AS s
JOIN pg_index AS i USING (indexrelid)
ORDER BY size DESC, name
