-- The columns of reports_day, from rows of facts.sql.
count(*) FILTER (WHERE what = 'opened') AS opened,
count(*) FILTER (WHERE what = 'solved') AS solved,
coalesce(array_agg(seconds) FILTER (WHERE what = 'answered'), '{}') AS answer_seconds,
coalesce(array_agg(seconds) FILTER (WHERE what = 'solved'), '{}') AS solution_seconds,
count(*) FILTER (WHERE what = 'answer_kept') AS answers_kept,
count(*) FILTER (WHERE what = 'answer_missed') AS answers_missed,
count(*) FILTER (WHERE what = 'solution_kept') AS solutions_kept,
count(*) FILTER (WHERE what = 'solution_missed') AS solutions_missed,
count(*) FILTER (WHERE what = 'rated_good') AS rated_good,
count(*) FILTER (WHERE what = 'rated_bad') AS rated_bad,
count(mood) AS moods_read,
count(*) FILTER (WHERE mood < -%(mood)s) AS unhappy,
count(*) FILTER (WHERE mood > %(mood)s) AS happy
