-- Ticket events are append-only, with the same exception for anonymising as the audit log.
CREATE OR REPLACE FUNCTION tickets_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('skerry.anonymising', true) = 'yes'
       AND (NEW.id, NEW.ticket_id, NEW.at, NEW.kind) = (OLD.id, OLD.ticket_id, OLD.at, OLD.kind)
       AND NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id
       AND NEW.actor_name IN (OLD.actor_name, 'Anonymous')
       AND skerry_is_only_emptied(OLD.data, NEW.data) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'tickets_event is append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON tickets_event
    FOR EACH ROW EXECUTE FUNCTION tickets_event_is_append_only();
