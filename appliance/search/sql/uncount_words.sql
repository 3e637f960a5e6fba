-- Take the words of a set of texts out of the vocabulary; the opposite of count_words.sql.
-- A word that no other text holds is deleted.
WITH erased AS (
    SELECT word, ndoc
    FROM ts_stat(%(texts_sql)s)
),
kept AS (
    UPDATE search_vocabularyword
    SET text_count = text_count - ndoc
    FROM erased
    WHERE text = word AND text_count > ndoc
)
DELETE FROM search_vocabularyword
USING erased
WHERE text = word AND text_count <= ndoc
