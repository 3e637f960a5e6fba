from pathlib import Path

from django.db import migrations

FUNCTIONS = (Path(__file__).parent.parent / "sql" / "functions.sql").read_text()


class Migration(migrations.Migration):
    """Add the function that erases a person from append-only rows."""

    initial = True
    dependencies = [
        ("accounts", "0002_user_business_hours"),
        ("core", "0005_audit_chain"),
        ("model_updates", "0003_erasable_names"),
        ("tickets", "0002_triggers"),
    ]
    operations = [migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop)]
