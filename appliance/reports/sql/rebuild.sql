-- Count the days between two moments anew, for every dimension in one pass over the facts.
WITH facts AS MATERIALIZED (
    {facts}
)
INSERT INTO reports_day
    ("on", dimension, value, team_id, opened, solved, answer_seconds, solution_seconds,
     answers_kept, answers_missed, solutions_kept, solutions_missed, rated_good, rated_bad,
     moods_read, unhappy, happy)
SELECT
    day,
    CASE WHEN grouping(category_id) = 0 THEN 'category'
         WHEN grouping(assignee_id) = 0 THEN 'agent'
         WHEN grouping(organisation_id) = 0 THEN 'organisation'
         ELSE 'all' END,
    coalesce(category_id, assignee_id, organisation_id),
    team_id,
    {measures}
FROM facts
GROUP BY GROUPING SETS (
    (day, team_id), (day, team_id, category_id), (day, team_id, assignee_id),
    (day, team_id, organisation_id)
)
