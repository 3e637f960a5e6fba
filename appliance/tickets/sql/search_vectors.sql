-- The search vectors of tickets and messages; a message is taken to be in the language of its ticket
-- and stands in its search window, so that a search reads both side by side.
CREATE OR REPLACE FUNCTION tickets_ticket_search_vector(ticket tickets_ticket) RETURNS tsvector
LANGUAGE sql STABLE AS $$
    SELECT search_vector(ticket.language, ticket.id, ticket.subject, ticket.description, true, ticket.fields)
$$;
CREATE OR REPLACE FUNCTION tickets_message_search_vector(message tickets_message) RETURNS tsvector
LANGUAGE sql STABLE AS $$
    SELECT search_vector(
        (SELECT language FROM tickets_ticket WHERE id = message.ticket_id),
        message.ticket_id, NULL, message.body, true, NULL)
$$;
CREATE OR REPLACE FUNCTION tickets_set_ticket_search_vector() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := tickets_ticket_search_vector(NEW);
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION tickets_set_message_search_vector() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := tickets_message_search_vector(NEW);
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION tickets_reindex_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tickets_message SET body = body WHERE ticket_id = NEW.id;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER ticket_search_vector
    BEFORE INSERT OR UPDATE OF subject, description, fields, language, search_vector ON tickets_ticket
    FOR EACH ROW EXECUTE FUNCTION tickets_set_ticket_search_vector();
CREATE OR REPLACE TRIGGER message_search_vector
    BEFORE INSERT OR UPDATE OF body, ticket_id, search_vector ON tickets_message
    FOR EACH ROW EXECUTE FUNCTION tickets_set_message_search_vector();
CREATE OR REPLACE TRIGGER ticket_language_changed AFTER UPDATE OF language ON tickets_ticket
    FOR EACH ROW WHEN (OLD.language IS DISTINCT FROM NEW.language)
    EXECUTE FUNCTION tickets_reindex_messages();
