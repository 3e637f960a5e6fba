from pathlib import Path

from django.db import migrations

FUNCTIONS = (Path(__file__).parent.parent / "sql" / "functions.sql").read_text()


class Migration(migrations.Migration):
    """Add the functions that make and drop the indexes of embedding spaces."""

    dependencies = [("triage", "0002_triggers")]
    operations = [migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop)]
