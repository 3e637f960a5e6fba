from django.db import migrations, models


class Migration(migrations.Migration):
    """Let admins choose whether a reply assigns an unassigned ticket."""

    dependencies = [("core", "0006_seal_existing_audit_entries")]
    operations = [
        migrations.AddField(
            model_name="sitesettings",
            name="is_assigned_on_reply",
            field=models.BooleanField(
                default=True,
                db_default=True,
                help_text="A reply assigns an unassigned ticket to the agent who wrote it.",
            ),
        )
    ]
