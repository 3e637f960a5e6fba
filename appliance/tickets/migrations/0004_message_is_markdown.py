from django.db import migrations, models


class Migration(migrations.Migration):
    """Store how the body of a message is shown."""

    dependencies = [("tickets", "0003_keep_a_draft_for_each_page")]
    operations = [
        migrations.AddField(
            model_name="message",
            name="is_markdown",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Otherwise the body is shown as typed.",
            ),
        )
    ]
