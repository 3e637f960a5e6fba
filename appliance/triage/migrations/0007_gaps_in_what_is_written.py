"""Where an article is missing, as the worker finds it."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0005_first_versions_and_links"),
        ("tickets", "0007_search_what_was_said"),
        ("triage", "0006_answers_held_back"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Gap",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "subject",
                    models.CharField(help_text="Of the ticket in its middle.", max_length=200),
                ),
                ("size", models.PositiveIntegerField()),
                (
                    "words",
                    models.JSONField(default=list, help_text="Typical of its tickets, best first."),
                ),
                ("first_at", models.DateTimeField(help_text="When the oldest ticket came.")),
                ("last_at", models.DateTimeField(help_text="When the newest ticket came.")),
                (
                    "found_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("dismissed_at", models.DateTimeField(editable=False, null=True)),
                (
                    "article",
                    models.ForeignKey(
                        help_text="Written to close it; once it is published, the gap is.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="gaps",
                        to="knowledge.article",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-size", "-last_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="GapTicket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rank", models.PositiveIntegerField()),
                (
                    "gap",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="triage.gap",
                    ),
                ),
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tickets.ticket",
                    ),
                ),
            ],
            options={
                "ordering": ["rank"],
            },
        ),
    ]
