-- Those of the words that are part of the name of a customer or a user; reads all names.
SELECT DISTINCT part
FROM (
    SELECT regexp_split_to_table(first_name || ' ' || last_name, '[\s,.()’''-]+') AS part
    FROM accounts_customer
    UNION ALL
    SELECT regexp_split_to_table(first_name || ' ' || last_name, '[\s,.()’''-]+')
    FROM accounts_user
) AS names
WHERE part = ANY (%(words)s)
