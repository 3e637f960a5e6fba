-- Samples older than two days are kept one an hour, older than sixty days one a day, and none
-- older than two years: counters go on counting, so what lies between two that are kept is not lost.
DELETE FROM ops_sample AS old
WHERE old.at < now() - interval '2 years'
   OR (
       old.at < now() - interval '2 days'
       AND EXISTS (
           SELECT FROM ops_sample AS later
           WHERE later.at > old.at
             AND date_trunc(
                     CASE WHEN old.at < now() - interval '60 days' THEN 'day' ELSE 'hour' END,
                     later.at
                 ) = date_trunc(
                     CASE WHEN old.at < now() - interval '60 days' THEN 'day' ELSE 'hour' END,
                     old.at
                 )
       )
   )
