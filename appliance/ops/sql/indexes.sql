-- Every index of the desk: how often it answered, when last, how large it is, and whether it is
-- there to keep a rule (unique) rather than to be fast. The largest first.
SELECT
    s.indexrelname AS name,
    s.relname AS table_name,
    s.idx_scan AS scans,
    s.last_idx_scan AS last_used_at,
    pg_relation_size(s.indexrelid) AS size,
    i.indisunique AS keeps_rule,
    i.indisvalid AS is_valid
FROM pg_stat_user_indexes AS s
JOIN pg_index AS i USING (indexrelid)
ORDER BY size DESC, name
