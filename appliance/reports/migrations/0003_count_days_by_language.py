from pathlib import Path

from django.db import migrations

TRIGGERS = (Path(__file__).parent.parent / "sql" / "triggers.sql").read_text()
# The days that were counted have no rows for languages: the worker counts them again.
RECOUNT = """
UPDATE reports_countingprogress SET recount_from = (SELECT min("on") FROM reports_day)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0002_count_days_by_channel"),
        ("tickets", "0014_language_of_tickets"),
    ]

    operations = [
        migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop),
        migrations.RunSQL(RECOUNT, migrations.RunSQL.noop),
    ]
