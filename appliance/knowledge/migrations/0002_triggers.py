from pathlib import Path

from django.db import migrations

TRIGGERS = (Path(__file__).parent.parent / "sql" / "triggers.sql").read_text()


class Migration(migrations.Migration):
    """Make article versions append-only."""

    dependencies = [("knowledge", "0001_initial")]
    operations = [migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop)]
