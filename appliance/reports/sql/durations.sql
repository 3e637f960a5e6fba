-- Medians and ninetieth percentiles of a report, for the same groups as the sums.
{rows}
SELECT
    grouping({key}) = 1 AS is_whole, {key} AS key, what, count(*),
    percentile_cont(ARRAY[0.5, 0.9]::float8[]) WITHIN GROUP (ORDER BY seconds)
FROM chosen
CROSS JOIN LATERAL (VALUES ('first_response', first_response_seconds), ('resolution', resolution_seconds))
    AS list (what, all_seconds)
CROSS JOIN LATERAL unnest(all_seconds) AS seconds
GROUP BY what, {groups}
