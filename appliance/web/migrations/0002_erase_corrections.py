from pathlib import Path

from django.db import migrations

FUNCTIONS = (Path(__file__).parent.parent / "sql" / "functions.sql").read_text()


class Migration(migrations.Migration):
    """Let the function that erases a person find corrected subjects and customers, too."""

    dependencies = [("web", "0001_erasing_people")]
    operations = [migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop)]
