-- Sums of a report: the total with each step, or each part. One row a group.
{days}
SELECT
    grouping({key}) = 1 AS is_total, {key} AS key,
    sum(opened), sum(solved), sum(first_responses_met), sum(first_responses_missed),
    sum(resolutions_met), sum(resolutions_missed), sum(rated_good), sum(rated_bad),
    sum(sentiment_count), sum(negative), sum(positive)
FROM selected_days
GROUP BY {groups}
