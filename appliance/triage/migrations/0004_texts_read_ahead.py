"""A text may be read by the next encoder while the one at work reads it, too."""

from django.db import migrations, models

KINDS = [
    ("ticket", "Ticket"),
    ("article", "Article"),
    ("next_ticket", "Ticket (next encoder)"),
    ("next_article", "Article (next encoder)"),
]


class Migration(migrations.Migration):
    dependencies = [("triage", "0003_an_index_for_each_space")]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=16),
        ),
    ]
