-- For each word, the vocabulary words that share most trigrams with it, frequent words first.
-- The operator is served by the trigram index; retrievers.query_limits sets its threshold.
SELECT typed.word, candidate.text, candidate.text_count
FROM unnest(%(words)s::text[]) AS typed (word)
CROSS JOIN LATERAL (
    SELECT text, text_count
    FROM search_vocabularyword
    WHERE text %% typed.word AND similarity(text, typed.word) > %(min_similarity)s
    ORDER BY similarity(text, typed.word) DESC, text_count DESC
    LIMIT %(max_candidates)s
) AS candidate
