-- A language that is recognised has no event, but the days of its ticket are counted by it.
CREATE OR REPLACE FUNCTION reports_recount_language() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reports_staleticket (ticket_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER reports_language_changed AFTER UPDATE OF language ON tickets_ticket
    FOR EACH ROW WHEN (OLD.language IS DISTINCT FROM NEW.language)
    EXECUTE FUNCTION reports_recount_language();
