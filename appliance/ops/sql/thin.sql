-- Keep one sample an hour after two days, one a day after sixty days, and none after two years.
-- Counters only grow, so the difference between two samples covers the deleted ones between them.
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
