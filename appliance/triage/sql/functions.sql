-- Indexes of embedding spaces. They belong to the owner of the tables, so web and worker make them
-- through these functions (decision 23). The name of an index ends in a digest of its space.
--
-- m and ef_construction: in a million tickets on a thousand topics, 16 and 64 let a scan of 100 find
-- 0.89 of the ten nearest, and one of 400 no more than 0.92, since some topics are unreachable in the
-- graph. These find 0.97 and more, and take twice as long to build. A query must repeat the predicate
-- literally to use the index.
CREATE OR REPLACE FUNCTION triage_create_space_index(table_name text, index_name text, space text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (table_name, left(index_name, -12)) NOT IN (
           ('triage_ticketvector', 'ticket_vector_hnsw_'), ('triage_passage', 'passage_vector_hnsw_'))
       OR right(index_name, 12) !~ '^[0-9a-f]{12}$' THEN
        RAISE EXCEPTION 'not an index of an embedding space: %', index_name;
    END IF;
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON public.%I USING hnsw (vector halfvec_cosine_ops)'
        ' WITH (m = 24, ef_construction = 128) WHERE space = %L',
        index_name, table_name, space);
END $$;

CREATE OR REPLACE FUNCTION triage_drop_space_index(index_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF index_name !~ '^(ticket|passage)_vector_hnsw_[0-9a-f]{12}$' THEN
        RAISE EXCEPTION 'not an index of an embedding space: %', index_name;
    END IF;
    EXECUTE format('DROP INDEX IF EXISTS public.%I', index_name);
END $$;
