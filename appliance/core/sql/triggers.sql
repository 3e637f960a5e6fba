-- The audit log is append-only. Anonymising may only empty names and data (web/sql/functions.sql).
-- The setting alone lets nobody change a row: the application's role has no right to (decision 23).
CREATE OR REPLACE FUNCTION skerry_is_only_emptied(before jsonb, after jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT NOT EXISTS (SELECT 1 FROM jsonb_each(after) a
                       WHERE a.value <> 'null'::jsonb AND a.value IS DISTINCT FROM before -> a.key)
       AND NOT EXISTS (SELECT 1 FROM jsonb_object_keys(before) key WHERE NOT after ? key)
$$;
CREATE OR REPLACE FUNCTION skerry_without_values(data jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, NULL), '{}'::jsonb) FROM jsonb_object_keys(data) key
$$;
CREATE OR REPLACE FUNCTION core_auditentry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('skerry.anonymising', true) = 'yes'
       AND (NEW.id, NEW.at, NEW.verb, NEW.kind, NEW.subject_id)
         = (OLD.id, OLD.at, OLD.verb, OLD.kind, OLD.subject_id)
       AND NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id
       AND NEW.actor_name IN (OLD.actor_name, 'Anonymous')
       AND NEW.subject IN (OLD.subject, 'Anonymous')
       AND skerry_is_only_emptied(OLD.data, NEW.data) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'core_auditentry is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER auditentry_append_only BEFORE UPDATE OR DELETE ON core_auditentry
    FOR EACH ROW EXECUTE FUNCTION core_auditentry_is_append_only();
