-- Rank the newest rows that match a full-text query, reading one window of ids after the other.
--
-- {scan} numbers the parameters of this part: one statement is the UNION ALL of several scans.
-- {visible_rows} is a query compiled by Django: the rows of one window that the viewer may see and
-- that match, newest first, with the columns entity_id, row_id and vector. LATERAL lets
-- PostgreSQL read a window only while the windows before it gave fewer than max_ranked rows.
(
    SELECT
        %(scan_{scan})s AS scan,
        candidate.entity_id,
        candidate.row_id,
        ts_rank(
            candidate.vector,
            %(rank_tsquery_{scan})s::tsquery,
            %(rank_normalization)s
        ) AS rank
    FROM (
        SELECT visible.entity_id, visible.row_id, visible.vector
        FROM unnest(
            %(tsqueries_{scan})s::tsquery[],
            %(first_ids_{scan})s::bigint[],
            %(last_ids_{scan})s::bigint[]
        ) AS id_window (query, first_id, last_id)
        CROSS JOIN LATERAL ({visible_rows}) AS visible
        LIMIT %(max_ranked)s
    ) AS candidate
    ORDER BY rank DESC, candidate.row_id DESC
    LIMIT %(max_matches)s
)
