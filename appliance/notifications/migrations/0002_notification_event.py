import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
        ("tickets", "0002_triggers"),
    ]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="event",
            field=models.ForeignKey(
                db_index=False,
                help_text="What it names of the ticket.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="tickets.event",
            ),
        ),
    ]
