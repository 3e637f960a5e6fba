-- Count one more of what a person sends; after so many minutes the count begins anew.
INSERT INTO accounts_personrate AS rate (user_id, scope, count, started_at)
VALUES (%(user)s, %(scope)s, 1, now())
ON CONFLICT (user_id, scope) DO UPDATE SET
    count = CASE
        WHEN rate.started_at > now() - make_interval(mins => %(minutes)s) THEN rate.count + 1
        ELSE 1
    END,
    started_at = CASE
        WHEN rate.started_at > now() - make_interval(mins => %(minutes)s) THEN rate.started_at
        ELSE now()
    END
RETURNING count
