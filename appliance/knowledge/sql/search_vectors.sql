-- The search vectors of articles.
CREATE OR REPLACE FUNCTION knowledge_article_search_vector(article knowledge_article) RETURNS tsvector
LANGUAGE sql STABLE AS $$
    SELECT search_vector(article.language, article.id, article.title, article.content, false, NULL)
$$;
CREATE OR REPLACE FUNCTION knowledge_set_article_search_vector() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := knowledge_article_search_vector(NEW);
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER article_search_vector
    BEFORE INSERT OR UPDATE OF title, content, language, search_vector ON knowledge_article
    FOR EACH ROW EXECUTE FUNCTION knowledge_set_article_search_vector();
