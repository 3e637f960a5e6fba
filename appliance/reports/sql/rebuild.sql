-- Count the days between two moments again, for every dimension in one pass over the facts.
WITH facts AS MATERIALIZED (
    {facts}
)
INSERT INTO reports_day
    ("on", dimension, value, team_id, opened, solved, first_response_seconds, resolution_seconds,
     first_responses_met, first_responses_missed, resolutions_met, resolutions_missed,
     rated_good, rated_bad, sentiment_count, negative, positive)
SELECT
    day,
    CASE WHEN grouping(category_id) = 0 THEN 'category'
         WHEN grouping(assignee_id) = 0 THEN 'agent'
         WHEN grouping(organisation_id) = 0 THEN 'organisation'
         WHEN grouping(channel_id) = 0 THEN 'channel'
         WHEN grouping(language_id) = 0 THEN 'language'
         ELSE 'all' END,
    coalesce(category_id, assignee_id, organisation_id, channel_id, language_id),
    team_id,
    {measures}
FROM facts
GROUP BY GROUPING SETS (
    (day, team_id), (day, team_id, category_id), (day, team_id, assignee_id),
    (day, team_id, organisation_id), (day, team_id, channel_id),
    (day, team_id, language_id)
)
