from pathlib import Path

from django.db import migrations

FUNCTIONS = (Path(__file__).parent.parent / "sql" / "functions.sql").read_text()


class Migration(migrations.Migration):
    """Add the function that changes the language of the stemmer."""

    dependencies = [("core", "0001_extensions"), ("search", "0001_initial")]
    operations = [migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop)]
