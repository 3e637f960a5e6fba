-- Medians and ninetieth percentiles of a report, for the same groups as the sums.
{rows}, durations AS (
    SELECT bucket, part, 'answer' AS what, unnest(answer_seconds) AS seconds FROM chosen
  UNION ALL
    SELECT bucket, part, 'solution', unnest(solution_seconds) FROM chosen
)
SELECT
    grouping(bucket) = 1 AND grouping(part) = 1 AS is_total, grouping(bucket) = 0 AS is_step,
    bucket, part, what, count(*),
    percentile_cont(ARRAY[0.5, 0.9]::float8[]) WITHIN GROUP (ORDER BY seconds)
FROM durations
GROUP BY GROUPING SETS ((what), (what, bucket), (what, part))
