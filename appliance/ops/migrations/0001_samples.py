import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the machine counted, for charts over time."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Sample",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "figures",
                    models.JSONField(default=dict, help_text="Name to number; readings by role."),
                ),
            ],
            options={
                "ordering": ["at"],
                "indexes": [models.Index(fields=["-at"], name="sample_at_idx")],
            },
        ),
    ]
