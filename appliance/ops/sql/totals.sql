-- What the server has counted since its statistics began: pages of tables found in memory or read
-- from disk, and how larger tables were looked into. A table of a few rows is read whole by right.
SELECT
    d.blks_hit AS pages_hit,
    d.blks_read AS pages_read,
    pg_database_size(d.datid) AS database_bytes,
    t.index_scans,
    t.whole_scans,
    t.small_tables,
    coalesce(d.stats_reset, pg_postmaster_start_time()) AS since
FROM pg_stat_database AS d
CROSS JOIN (
    SELECT
        coalesce(sum(idx_scan) FILTER (WHERE n_live_tup >= %(rows)s), 0)::bigint AS index_scans,
        coalesce(sum(seq_scan) FILTER (WHERE n_live_tup >= %(rows)s), 0)::bigint AS whole_scans,
        count(*) FILTER (WHERE n_live_tup < %(rows)s) AS small_tables
    FROM pg_stat_user_tables
) AS t
WHERE d.datname = current_database()
