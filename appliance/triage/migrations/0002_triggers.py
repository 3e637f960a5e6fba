from pathlib import Path

from django.db import migrations

TRIGGERS = (Path(__file__).parent.parent / "sql" / "triggers.sql").read_text()


class Migration(migrations.Migration):
    """Queue texts that need new predictions or embeddings."""

    dependencies = [
        ("knowledge", "0001_initial"),
        ("tickets", "0001_initial"),
        ("triage", "0001_initial"),
    ]
    operations = [migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop)]
