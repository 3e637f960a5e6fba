import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0005_search_in_the_language_of_the_text"),
        ("triage", "0011_incidents"),
    ]

    operations = [
        migrations.AddField(
            model_name="gap",
            name="language",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of its tickets, as an ISO 639-1 code; empty if it is not recognised.",
                max_length=2,
            ),
        ),
        migrations.AddField(
            model_name="gap",
            name="translation_of",
            field=models.ForeignKey(
                help_text="The original to translate.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="missing_translations",
                to="knowledge.article",
            ),
        ),
        migrations.AlterField(
            model_name="gap",
            name="subject",
            field=models.CharField(
                help_text="Of its most central ticket, or of the article.", max_length=200
            ),
        ),
    ]
