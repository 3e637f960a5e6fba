-- Parse the words of a search with each text-search configuration, in the order given.
--
-- all_words: every word. any_word: one word is enough.
-- prefix_words: every word, where the last one may be unfinished. An index collects all rows of all
-- words with a prefix before it reads any, so the prefix stands for the most frequent words of the
-- vocabulary that begin with it; only for a prefix without any (a number) it is left to the index.
-- Parameters that do not apply are NULL, and so is what they would give.
SELECT
    websearch_to_tsquery(config, %(text)s)::text AS all_words,
    (
        websearch_to_tsquery(config, %(text_before_prefix)s)
        && (
            to_tsquery(config, %(prefix_as_word)s)
            || coalesce(
                (
                    SELECT to_tsquery(config, string_agg(quote_literal(frequent.text), ' | '))
                    FROM (
                        SELECT text
                        FROM search_vocabularyword
                        WHERE text LIKE %(prefix_pattern)s
                        ORDER BY text_count DESC
                        LIMIT 8
                    ) AS frequent
                ),
                to_tsquery(config, %(prefix_match)s)
            )
        )
    )::text AS prefix_words,
    to_tsquery(config, %(any_word)s)::text AS any_word
FROM unnest(%(configs)s::regconfig[]) WITH ORDINALITY AS configs (config, place)
ORDER BY place
