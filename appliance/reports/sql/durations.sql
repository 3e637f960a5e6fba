-- Medians and 90th percentiles of a report, for the groups of sums.sql. One row a group and metric.
{days}
SELECT
    grouping({key}) = 1 AS is_total, {key} AS key, metric, count(*),
    percentile_cont(ARRAY[0.5, 0.9]::float8[]) WITHIN GROUP (ORDER BY seconds)
FROM selected_days
CROSS JOIN LATERAL (
    VALUES ('first_response', first_response_seconds), ('resolution', resolution_seconds)
) AS durations (metric, all_seconds)
CROSS JOIN LATERAL unnest(all_seconds) AS seconds
GROUP BY metric, {groups}
