import django.contrib.postgres.indexes
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0006_words_of_the_desk"),
    ]

    operations = [
        migrations.CreateModel(
            name="Check",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("finished_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("is_repairing", models.BooleanField(default=True)),
                (
                    "looked",
                    models.JSONField(
                        default=dict, help_text="Part of the index to rows looked at."
                    ),
                ),
                (
                    "missing",
                    models.JSONField(
                        default=dict, help_text="Part of the index to rows not found."
                    ),
                ),
                (
                    "repaired",
                    models.JSONField(default=dict, help_text="Part of the index to rows mended."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Learning",
            fields=[
                ("table", models.CharField(max_length=40, primary_key=True, serialize=False)),
                (
                    "position",
                    models.BigIntegerField(default=0, help_text="The last number that was read."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Rewording",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("language", models.CharField(help_text="How PostgreSQL calls it.", max_length=20)),
                ("previous", models.CharField(max_length=20)),
                (
                    "started_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("finished_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "table",
                    models.CharField(blank=True, help_text="The one in work.", max_length=40),
                ),
                (
                    "position",
                    models.BigIntegerField(default=0, help_text="Its last number that was done."),
                ),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0, help_text="As counted when it began.")),
            ],
        ),
        migrations.CreateModel(
            name="Word",
            fields=[
                ("text", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("seen", models.BigIntegerField(default=0, help_text="In so many texts.")),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["text"], name="word_text_trgm_idx", opclasses=["gin_trgm_ops"]
                    )
                ],
            },
        ),
    ]
