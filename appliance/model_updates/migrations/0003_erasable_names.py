from pathlib import Path

from django.db import migrations

TRIGGERS = (Path(__file__).parent.parent / "sql" / "triggers.sql").read_text()


class Migration(migrations.Migration):
    """Let anonymising erase names in the history of updates."""

    dependencies = [("model_updates", "0002_triggers")]
    operations = [migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop)]
