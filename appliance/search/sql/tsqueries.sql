-- Parse the words of a search with each text-search configuration, in the order given, cut like the
-- texts of its language.
--
-- all_words: every word. any_word: one word is enough.
-- prefix_words: every word, where the last one may be unfinished. An index collects all rows of all
-- words with a prefix before it reads any, so the prefix stands for the most frequent words of the
-- vocabulary that begin with it; only for a prefix without any (a number) it is left to the index.
-- Parameters that do not apply are NULL, and so is what they would give.
WITH frequent AS MATERIALIZED (
    SELECT string_agg(quote_literal(text), ' | ') AS words
    FROM (
        SELECT text
        FROM search_vocabularyword
        WHERE text LIKE %(prefix_pattern)s
        ORDER BY text_count DESC
        LIMIT 8
    ) AS word
)
SELECT
    websearch_to_tsquery(config, search_cut_endings(language, %(text)s))::text AS all_words,
    (
        websearch_to_tsquery(config, search_cut_endings(language, %(text_before_prefix)s))
        && (
            to_tsquery(config, search_cut_endings(language, %(prefix_as_word)s))
            || coalesce(
                to_tsquery(config, search_cut_endings(language, frequent.words)),
                to_tsquery(config, search_cut_endings(language, %(prefix_match)s))
            )
        )
    )::text AS prefix_words,
    to_tsquery(config, search_cut_endings(language, %(any_word)s))::text AS any_word
FROM unnest(%(configs)s::regconfig[], %(languages)s::text[]) WITH ORDINALITY
         AS configs (config, language, place),
     frequent
ORDER BY place
