from django.db import migrations

FORWARD = """
CREATE FUNCTION tickets_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'tickets_event is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON tickets_event
    FOR EACH ROW EXECUTE FUNCTION tickets_event_is_append_only();
"""
BACKWARD = """
DROP TRIGGER event_append_only ON tickets_event;
DROP FUNCTION tickets_event_is_append_only();
"""


class Migration(migrations.Migration):
    """The audit trail cannot be rewritten, not even by a bug of ours."""

    dependencies = [("tickets", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
