-- Count one more of what a person or an address does; after so many minutes the count begins anew.
INSERT INTO accounts_ratecount AS rate (scope, key, count, started_at)
VALUES (%(scope)s, %(key)s, 1, now())
ON CONFLICT (scope, key) DO UPDATE SET
    count = CASE
        WHEN rate.started_at > now() - make_interval(mins => %(minutes)s) THEN rate.count + 1
        ELSE 1
    END,
    started_at = CASE
        WHEN rate.started_at > now() - make_interval(mins => %(minutes)s) THEN rate.started_at
        ELSE now()
    END
RETURNING count
