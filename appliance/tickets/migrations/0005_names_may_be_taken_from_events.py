from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION tickets_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('skerry.anonymising', true) = 'yes'
       AND (NEW.id, NEW.ticket_id, NEW.at, NEW.kind) = (OLD.id, OLD.ticket_id, OLD.at, OLD.kind)
       AND NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id
       AND NEW.actor_name IN (OLD.actor_name, 'Anonymous')
       AND skerry_only_emptied(OLD.data, NEW.data) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'tickets_event is append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""
BACKWARD = """
CREATE OR REPLACE FUNCTION tickets_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'tickets_event is append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    """The one exception of the audit trail: a name may be taken away (core/anonymous.py)."""

    dependencies = [
        ("tickets", "0004_due_times_and_lists"),
        ("core", "0005_names_may_be_taken_from_changes"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
