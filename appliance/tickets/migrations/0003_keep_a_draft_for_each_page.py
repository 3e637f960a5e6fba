import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    """Give drafts a key, so that each page has its own."""

    dependencies = [("tickets", "0002_triggers")]
    operations = [
        migrations.RemoveConstraint(model_name="draft", name="draft_unique"),
        migrations.AddField(
            model_name="draft",
            name="key",
            field=models.UUIDField(default=uuid.uuid4, editable=False),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(
                fields=["user", "ticket", "key"], name="draft_unique"
            ),
        ),
    ]
