-- Change the language of the stemmer. The configuration belongs to the owner (decision 23).
CREATE OR REPLACE FUNCTION search_replace_stemmer(previous_language text, language text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT ARRAY[previous_language, language] <@ ARRAY['english', 'german'] THEN
        RAISE EXCEPTION 'no stemmer of this language: %', language;
    END IF;
    EXECUTE format(
        'ALTER TEXT SEARCH CONFIGURATION public.skerry ALTER MAPPING REPLACE %I WITH %I',
        previous_language || '_stem', language || '_stem');
END $$;
