from django.db import migrations

FORWARD = """
CREATE FUNCTION updates_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'updates_updateevent is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER update_event_append_only BEFORE UPDATE OR DELETE ON updates_updateevent
    FOR EACH ROW EXECUTE FUNCTION updates_event_is_append_only();
"""
BACKWARD = """
DROP TRIGGER update_event_append_only ON updates_updateevent;
DROP FUNCTION updates_event_is_append_only();
"""


class Migration(migrations.Migration):
    """What was done with the models cannot be rewritten."""

    dependencies = [("updates", "0001_bundles_and_runs")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
