-- Sums of a report: of the whole span, of each step of time, of each part. One row each.
{rows}
SELECT
    grouping(bucket) = 1 AND grouping(part) = 1 AS is_total, grouping(bucket) = 0 AS is_step,
    bucket, part,
    sum(opened), sum(solved), sum(answers_kept), sum(answers_missed), sum(solutions_kept),
    sum(solutions_missed), sum(rated_good), sum(rated_bad), sum(moods_read), sum(unhappy),
    sum(happy)
FROM chosen
GROUP BY GROUPING SETS ((), (bucket), (part))
