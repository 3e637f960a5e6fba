from pathlib import Path

from django.db import migrations

TRIGGERS = (Path(__file__).parent.parent / "sql" / "triggers.sql").read_text()


class Migration(migrations.Migration):
    """Make the audit log append-only."""

    dependencies = [("core", "0002_initial")]
    operations = [migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop)]
