-- The columns of reports_day, from rows of facts.sql.
count(*) FILTER (WHERE what = 'opened') AS opened,
count(*) FILTER (WHERE what = 'solved') AS solved,
coalesce(array_agg(seconds) FILTER (WHERE what = 'answered'), '{}') AS first_response_seconds,
coalesce(array_agg(seconds) FILTER (WHERE what = 'solved'), '{}') AS resolution_seconds,
count(*) FILTER (WHERE what = 'first_response_met') AS first_responses_met,
count(*) FILTER (WHERE what = 'first_response_missed') AS first_responses_missed,
count(*) FILTER (WHERE what = 'resolution_met') AS resolutions_met,
count(*) FILTER (WHERE what = 'resolution_missed') AS resolutions_missed,
count(*) FILTER (WHERE what = 'rated_good') AS rated_good,
count(*) FILTER (WHERE what = 'rated_bad') AS rated_bad,
count(mood) AS moods_read,
count(*) FILTER (WHERE mood < -%(mood)s) AS unhappy,
count(*) FILTER (WHERE mood > %(mood)s) AS happy
