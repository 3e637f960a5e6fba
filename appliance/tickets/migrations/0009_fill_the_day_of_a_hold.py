from django.db import migrations

# in which time zone a day was chosen was not stored; most agents use that of the site
FILL = """
    UPDATE tickets_ticket SET resume_on = (
        resume_at AT TIME ZONE coalesce(
            (SELECT nullif(time_zone, '') FROM core_sitesettings WHERE id = 1), 'UTC'
        )
    )::date
    WHERE status = 'hold' AND resume_at IS NOT NULL
"""


class Migration(migrations.Migration):
    """Fill in the day until which tickets are on hold."""

    dependencies = [
        ("tickets", "0008_keep_the_day_of_a_hold"),
        ("core", "0002_initial"),
    ]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
