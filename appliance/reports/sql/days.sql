-- The days of a report: stored days, and later days counted now. Of one dimension, without the
-- teams the viewer must not see. Each statement reads them once, so they are not materialized.
WITH merged AS (
    SELECT "on" AS day, team_id, value, opened, solved, first_response_seconds, resolution_seconds,
           first_responses_met, first_responses_missed, resolutions_met, resolutions_missed,
           rated_good, rated_bad, sentiment_count, negative, positive
    FROM reports_day
    WHERE dimension = %(stored)s AND "on" BETWEEN %(start)s AND %(stored_end)s
  UNION ALL
    SELECT day, team_id,
           CASE %(stored)s WHEN 'category' THEN category_id WHEN 'agent' THEN assignee_id
                           WHEN 'organisation' THEN organisation_id
                           WHEN 'channel' THEN channel_id
                           WHEN 'language' THEN language_id END,
           {measures}
    FROM ({facts}) AS fact
    GROUP BY 1, 2, 3
), days AS (
    SELECT date_trunc(%(step)s, day::timestamp)::date AS bucket,
           CASE %(dimension)s WHEN 'team' THEN team_id ELSE value END AS part, *
    FROM merged
    WHERE team_id IS NULL OR team_id <> ALL(%(hidden)s::bigint[])
), selected_days AS (
    SELECT * FROM days WHERE NOT %(is_single_part)s OR part IS NOT DISTINCT FROM %(part)s::bigint
)
