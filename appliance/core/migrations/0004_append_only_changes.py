from django.db import migrations

FORWARD = """
CREATE FUNCTION core_change_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'core_change is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER change_append_only BEFORE UPDATE OR DELETE ON core_change
    FOR EACH ROW EXECUTE FUNCTION core_change_is_append_only();
"""
BACKWARD = """
DROP TRIGGER change_append_only ON core_change;
DROP FUNCTION core_change_is_append_only();
"""


class Migration(migrations.Migration):
    """What admins changed cannot be rewritten, like the events of tickets."""

    dependencies = [("core", "0003_rules_and_changes")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
