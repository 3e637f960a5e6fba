-- Add the words of a set of texts to the vocabulary, each with the number of texts that hold it.
-- texts_sql is itself a query that gives one tsvector a row, as ts_stat expects it.
INSERT INTO search_vocabularyword (text, text_count)
SELECT word, ndoc
FROM ts_stat(%(texts_sql)s)
WHERE length(word) BETWEEN %(min_length)s AND %(max_length)s AND word ~ '^[[:alpha:]]+$'
ON CONFLICT (text) DO UPDATE SET text_count = search_vocabularyword.text_count + excluded.text_count
