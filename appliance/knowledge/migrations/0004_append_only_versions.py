from django.db import migrations

FORWARD = """
CREATE FUNCTION knowledge_version_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'knowledge_articleversion is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER version_append_only BEFORE UPDATE ON knowledge_articleversion
    FOR EACH ROW EXECUTE FUNCTION knowledge_version_is_append_only();
"""
BACKWARD = """
DROP TRIGGER version_append_only ON knowledge_articleversion;
DROP FUNCTION knowledge_version_is_append_only();
"""


class Migration(migrations.Migration):
    """What an article said cannot be rewritten; versions go only with their article."""

    dependencies = [("knowledge", "0003_life_of_articles")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
