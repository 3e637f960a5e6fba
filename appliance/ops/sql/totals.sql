-- Counters of the server since its statistics were reset: pages found in memory or read from disk,
-- and how larger tables were scanned. For a small table a sequential scan is right.
SELECT
    d.blks_hit AS pages_hit,
    d.blks_read AS pages_read,
    pg_database_size(d.datid) AS database_bytes,
    t.index_scans,
    t.sequential_scans,
    t.small_tables,
    coalesce(d.stats_reset, pg_postmaster_start_time()) AS since
FROM pg_stat_database AS d
CROSS JOIN (
    SELECT
        coalesce(sum(idx_scan) FILTER (WHERE n_live_tup >= %(small_rows)s), 0)::bigint AS index_scans,
        coalesce(sum(seq_scan) FILTER (WHERE n_live_tup >= %(small_rows)s), 0)::bigint AS sequential_scans,
        count(*) FILTER (WHERE n_live_tup < %(small_rows)s) AS small_tables
    FROM pg_stat_user_tables
) AS t
WHERE d.datname = current_database()
