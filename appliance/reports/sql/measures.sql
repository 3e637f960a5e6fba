-- The columns of reports_day, from rows of facts.sql.
count(*) FILTER (WHERE what = 'opened') AS opened,
count(*) FILTER (WHERE what = 'solved') AS solved,
coalesce(array_agg(seconds) FILTER (WHERE what = 'first_responses'), '{}') AS first_response_seconds,
coalesce(array_agg(seconds) FILTER (WHERE what = 'solved'), '{}') AS resolution_seconds,
count(*) FILTER (WHERE what = 'first_response_met') AS first_responses_met,
count(*) FILTER (WHERE what = 'first_response_missed') AS first_responses_missed,
count(*) FILTER (WHERE what = 'resolution_met') AS resolutions_met,
count(*) FILTER (WHERE what = 'resolution_missed') AS resolutions_missed,
count(*) FILTER (WHERE what = 'rated_good') AS rated_good,
count(*) FILTER (WHERE what = 'rated_bad') AS rated_bad,
count(sentiment) AS sentiment_count,
count(*) FILTER (WHERE sentiment < -%(sentiment)s) AS negative,
count(*) FILTER (WHERE sentiment > %(sentiment)s) AS positive
