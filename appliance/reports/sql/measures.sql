-- The columns of reports_day, from rows of facts.sql.
count(*) FILTER (WHERE kind = 'opened') AS opened,
count(*) FILTER (WHERE kind = 'solved') AS solved,
coalesce(array_agg(seconds) FILTER (WHERE kind = 'first_responses'), '{}')
    AS first_response_seconds,
coalesce(array_agg(seconds) FILTER (WHERE kind = 'solved'), '{}') AS resolution_seconds,
count(*) FILTER (WHERE kind = 'first_response_met') AS first_responses_met,
count(*) FILTER (WHERE kind = 'first_response_missed') AS first_responses_missed,
count(*) FILTER (WHERE kind = 'resolution_met') AS resolutions_met,
count(*) FILTER (WHERE kind = 'resolution_missed') AS resolutions_missed,
count(*) FILTER (WHERE kind = 'rated_good') AS rated_good,
count(*) FILTER (WHERE kind = 'rated_bad') AS rated_bad,
count(sentiment) AS sentiment_count,
count(*) FILTER (WHERE sentiment < -%(sentiment)s) AS negative,
count(*) FILTER (WHERE sentiment > %(sentiment)s) AS positive
