from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the day until which a ticket is on hold."""

    dependencies = [("tickets", "0007_message_signature")]
    operations = [
        migrations.AddField(
            model_name="ticket",
            name="resume_on",
            field=models.DateField(
                blank=True, help_text="The day of resume_at where it was chosen.", null=True
            ),
        ),
    ]
