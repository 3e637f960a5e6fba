-- The history of model updates is append-only. Anonymising may only erase a name.
CREATE OR REPLACE FUNCTION model_updates_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('skerry.anonymising', true) = 'yes'
       AND NEW.by_name = 'Anonymous'
       AND to_jsonb(NEW) - 'by_name' = to_jsonb(OLD) - 'by_name' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'model_updates_updateevent is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER update_event_append_only BEFORE UPDATE OR DELETE ON model_updates_updateevent
    FOR EACH ROW EXECUTE FUNCTION model_updates_event_is_append_only();
