"""What was offered to agents, and what became of it."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0005_first_versions_and_links"),
        ("tickets", "0007_search_what_was_said"),
        ("triage", "0004_texts_read_ahead"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rank", models.PositiveSmallIntegerField(help_text="1 stood first.")),
                ("score", models.FloatField()),
                ("why", models.JSONField(default=dict, help_text="closeness, words, helped")),
                (
                    "bundle_digest",
                    models.CharField(blank=True, help_text="Of the encoder asked.", max_length=64),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("offered", "Offered"),
                            ("accepted", "Accepted"),
                            ("refused", "Refused"),
                        ],
                        default="offered",
                        max_length=8,
                    ),
                ),
                (
                    "offered_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("decided_at", models.DateTimeField(editable=False, null=True)),
                (
                    "article",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suggestions",
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
                (
                    "ticket",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suggestions",
                        to="tickets.ticket",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["offered_at", "article", "state"], name="suggestion_offered_idx"
                    ),
                    models.Index(fields=["article", "state"], name="suggestion_article_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("ticket", "article"), name="suggestion_once_a_ticket"
                    )
                ],
            },
        ),
    ]
