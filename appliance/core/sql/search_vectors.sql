-- The words under which a text is found, in the configuration of its language (decision 34).
-- core/fields.py names the same languages, marks and characters for the queries.
CREATE OR REPLACE FUNCTION search_configuration(language text) RETURNS regconfig
LANGUAGE sql STABLE AS $$
    SELECT CASE language
        WHEN 'de' THEN 'public.skerry_german' WHEN 'en' THEN 'public.skerry_english'
        WHEN 'es' THEN 'public.skerry_spanish' WHEN 'fr' THEN 'public.skerry_french'
        WHEN 'it' THEN 'public.skerry_italian' WHEN 'nl' THEN 'public.skerry_dutch'
        WHEN 'pl' THEN 'public.skerry_simple' WHEN 'pt' THEN 'public.skerry_portuguese'
        WHEN 'sv' THEN 'public.skerry_swedish' ELSE 'public.skerry'
    END::regconfig
$$;

-- Whether words of a text are also indexed by their parts. A text of no known language is taken for
-- one of the site's language, whose stemmer the configuration "skerry" has.
CREATE OR REPLACE FUNCTION search_has_compounds(language text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT language IN ('de', 'nl', 'sv')
        OR search_configuration(language) = 'public.skerry'::regconfig AND EXISTS (
            SELECT FROM pg_ts_config_map AS map JOIN pg_ts_dict AS dict ON dict.oid = map.mapdict
            WHERE map.mapcfg = 'public.skerry'::regconfig AND dict.dictname = 'german_stem')
$$;

-- Cut the endings that PostgreSQL's stemmer of the language leaves, or all for Polish, which has no
-- stemmer there: first the ending of case or person, then the consonant that changes before it
-- (drukarka, drukarce, drukarek). Texts and queries are cut alike.
CREATE OR REPLACE FUNCTION search_cut_endings(language text, content text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    CASE language
    WHEN 'fr' THEN
        RETURN regexp_replace(unaccent(content), '([xst]ion)s\M', '\1', 'gi');
    WHEN 'pt' THEN
        RETURN regexp_replace(unaccent(content), '(\w{3})oes\M', '\1ao', 'gi');
    WHEN 'sv' THEN
        RETURN regexp_replace(unaccent(content), '(\w{5})ets?\M', '\1', 'gi');
    WHEN 'pl' THEN
        content := regexp_replace(lower(unaccent(content)),
            '\m([[:alpha:]]{3,}?)(?:iami|ami|iach|ach|owie|owi|ow|iom|om|iem|em|iego|ego|iemu|emu'
            '|ej|iej|ymi|imi|ych|ich|ym|im|owanie|owania|owaniu|owac|ujacy|ujaca|uje|uja|ujemy'
            '|owal|owala|owalo|anie|ania|aniu|enie|enia|eniu|ajacy|ajaca|aja|ac|ec|ic|yc|al|ala|alo'
            '|il|ila|ilo|ial|iala|ialo|osci|osc|cie|ia|ie|iu|io|a|e|i|o|u|y)\M', '\1', 'g');
        RETURN regexp_replace(content, '\m([[:alpha:]]{4,}?)(?:ek|cz|rz|k|c|t|n|z)\M', '\1', 'g');
    ELSE
        RETURN content;
    END CASE;
END $$;

-- Composed characters and plain digits, with blanks around the characters of unspaced scripts.
CREATE OR REPLACE FUNCTION search_normalised(content text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(normalize(content, NFKC),
        '([\u0E01-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u2E80-\u2FDF\u3005-\u3007'
        '\u3031-\u318F\u31A0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF'
        '\U00020000-\U0003FFFF])', ' \1 ', 'g')
$$;

-- The words of a text, and with another weight the parts of its identifiers.
CREATE OR REPLACE FUNCTION search_words(language text, content text, weight "char", part_weight "char")
RETURNS tsvector LANGUAGE plpgsql STABLE AS $$
DECLARE
    config regconfig := search_configuration(language);
    words text := search_cut_endings(language, search_normalised(content));
BEGIN
    RETURN setweight(to_tsvector(config, words), weight)
        || setweight(to_tsvector(config, translate(words, '@/\._:=-+<>&', '            ')), part_weight);
END $$;

-- The parts of long words: Druckertreiber is found by Drucker and by Treiber. After a mark that
-- nobody can type stand a word and each of its ends, so that whatever begins with a searched word
-- is a match. They are bounded, since
-- a tsvector holds 1 MB.
CREATE OR REPLACE FUNCTION search_parts(vector tsvector) RETURNS tsvector
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(string_agg(quote_literal(part) || ':1D', ' ')::tsvector, '') FROM (
        SELECT DISTINCT U&'\2616' || substr(lexeme, place) AS part
        FROM unnest(tsvector_to_array(vector)) AS lexeme, generate_series(1, length(lexeme) - 3) AS place
        WHERE length(lexeme) BETWEEN 8 AND 40 AND lexeme ~ '^[[:alpha:]]+$' AND place NOT IN (2, 3)
        ORDER BY part LIMIT 10000) AS parts
$$;

-- The search vector of a row. Words of the title weigh most (A), then the body (B), then the parts
-- of identifiers (D). The values of fields, and nothing else, have the weight C: those who may not
-- see all of them are searched without it. Extra words mark the window of neighbouring numbers and
-- the language. Of a long text the beginning is indexed; with has_long_texts its end as well.
CREATE OR REPLACE FUNCTION search_vector(
    language text, number bigint, title text, body text, has_long_texts boolean, fields jsonb
) RETURNS tsvector LANGUAGE plpgsql STABLE AS $$
DECLARE
    max_characters CONSTANT integer := 200000;
    tail_characters CONSTANT integer := 40000;
    vector tsvector := '';
BEGIN
    IF char_length(body) > max_characters THEN
        body := CASE WHEN has_long_texts
            THEN left(body, max_characters - tail_characters) || ' ' || right(body, tail_characters)
            ELSE left(body, max_characters) END;
    END IF;
    IF title IS NOT NULL THEN
        vector := search_words(language, title, 'A', 'D');
    END IF;
    vector := vector || search_words(language, body, 'B', 'D');
    IF search_has_compounds(language) THEN
        vector := vector || search_parts(vector);
    END IF;
    IF search_configuration(language) <> 'public.skerry'::regconfig THEN
        vector := vector || (quote_literal(U&'\2617' || language) || ':1D')::tsvector;
    END IF;
    vector := vector || array_to_tsvector(ARRAY[U&'\2617' || (number / 1024)]);
    IF fields IS NOT NULL THEN
        vector := vector || search_words(
            language, left(jsonb_path_query_array(fields, '$.*')::text, 20000), 'C', 'C');
    END IF;
    RETURN vector;
END $$;

-- Parse words with the configuration of each language and accept those of any. For short lists of
-- articles: a search looks for each language in the texts of that language only (fulltext.py).
CREATE OR REPLACE FUNCTION search_any_language(content text, languages text[], is_raw boolean)
RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
DECLARE
    language text;
    config regconfig;
    cut text;
    query tsquery;
    result tsquery;
BEGIN
    FOREACH language IN ARRAY languages LOOP
        config := search_configuration(language);
        cut := search_cut_endings(language, content);
        query := CASE WHEN is_raw THEN to_tsquery(config, cut) ELSE websearch_to_tsquery(config, cut) END;
        IF numnode(query) > 0 AND query IS DISTINCT FROM result THEN
            result := coalesce(result || query, query);
        END IF;
    END LOOP;
    RETURN coalesce(result, '');
END $$;
