-- The history of model updates is append-only.
CREATE OR REPLACE FUNCTION model_updates_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'model_updates_updateevent is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER update_event_append_only BEFORE UPDATE OR DELETE ON model_updates_updateevent
    FOR EACH ROW EXECUTE FUNCTION model_updates_event_is_append_only();
