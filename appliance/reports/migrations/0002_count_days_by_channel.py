from django.db import migrations

# The days that were counted have no rows for channels: the worker counts them again.
RECOUNT = """
UPDATE reports_countingprogress SET recount_from = (SELECT min("on") FROM reports_day)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0001_initial"),
        ("tickets", "0010_channel_of_tickets"),
    ]

    operations = [migrations.RunSQL(RECOUNT, migrations.RunSQL.noop)]
