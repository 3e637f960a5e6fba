-- Queue texts whose predictions or embeddings are missing or outdated (decision 0017).
CREATE OR REPLACE FUNCTION triage_queue_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_pendingtext (kind, object_id) VALUES ('ticket', NEW.id);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION triage_queue_new_tickets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_pendingtext (kind, object_id) SELECT 'ticket', id FROM inserted;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION triage_queue_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_pendingtext (kind, object_id) VALUES ('article', NEW.id);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION triage_queue_ticket_of_prediction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_pendingtext (kind, object_id) VALUES ('ticket', OLD.ticket_id);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION triage_queue_deleted_predictions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_pendingtext (kind, object_id) SELECT DISTINCT 'ticket', ticket_id FROM deleted;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION triage_queue_deleted_vectors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_pendingtext (kind, object_id)
    SELECT DISTINCT 'ticket', ticket_id FROM deleted
    WHERE current_setting('skerry.deleting_embedding_space', true) IS DISTINCT FROM 'on';
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION triage_queue_article_of_passage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_pendingtext (kind, object_id) VALUES ('article', OLD.article_id);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION triage_queue_deleted_passages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO triage_pendingtext (kind, object_id)
    SELECT DISTINCT 'article', article_id FROM deleted
    WHERE current_setting('skerry.deleting_embedding_space', true) IS DISTINCT FROM 'on';
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER triage_new AFTER INSERT ON tickets_ticket REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION triage_queue_new_tickets();
CREATE OR REPLACE TRIGGER triage_text_changed AFTER UPDATE OF subject, description ON tickets_ticket
    FOR EACH ROW WHEN ((OLD.subject, OLD.description) IS DISTINCT FROM
                       (NEW.subject, NEW.description))
    EXECUTE FUNCTION triage_queue_ticket();
CREATE OR REPLACE TRIGGER triage_new AFTER INSERT ON knowledge_article
    FOR EACH ROW EXECUTE FUNCTION triage_queue_article();
CREATE OR REPLACE TRIGGER triage_text_changed AFTER UPDATE OF title, content, status ON knowledge_article
    FOR EACH ROW WHEN ((OLD.title, OLD.content, OLD.status) IS DISTINCT FROM
                       (NEW.title, NEW.content, NEW.status))
    EXECUTE FUNCTION triage_queue_article();
CREATE OR REPLACE TRIGGER triage_outdated AFTER UPDATE ON triage_prediction
    FOR EACH ROW WHEN ((OLD.ticket_id, OLD.kind, OLD.bundle_digest, OLD.text_sha256)
                       IS DISTINCT FROM
                       (NEW.ticket_id, NEW.kind, NEW.bundle_digest, NEW.text_sha256))
    EXECUTE FUNCTION triage_queue_ticket_of_prediction();
CREATE OR REPLACE TRIGGER triage_deleted AFTER DELETE ON triage_prediction REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION triage_queue_deleted_predictions();
CREATE OR REPLACE TRIGGER triage_outdated AFTER UPDATE ON triage_ticketvector
    FOR EACH ROW WHEN ((OLD.ticket_id, OLD.space, OLD.text_sha256) IS DISTINCT FROM
                       (NEW.ticket_id, NEW.space, NEW.text_sha256))
    EXECUTE FUNCTION triage_queue_ticket_of_prediction();
CREATE OR REPLACE TRIGGER triage_deleted AFTER DELETE ON triage_ticketvector REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION triage_queue_deleted_vectors();
CREATE OR REPLACE TRIGGER triage_outdated AFTER UPDATE ON triage_passage
    FOR EACH ROW WHEN ((OLD.article_id, OLD.space, OLD.text_sha256) IS DISTINCT FROM
                       (NEW.article_id, NEW.space, NEW.text_sha256))
    EXECUTE FUNCTION triage_queue_article_of_passage();
CREATE OR REPLACE TRIGGER triage_deleted AFTER DELETE ON triage_passage REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION triage_queue_deleted_passages();
