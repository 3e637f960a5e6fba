from pathlib import Path

from django.db import migrations, models

from appliance.core.fields import RowSearchVectorField

TRIGGERS = (Path(__file__).parent.parent / "sql" / "search_vectors.sql").read_text()


class Migration(migrations.Migration):
    """Let triggers set the search vectors, which depend on the language.

    No row is rewritten: the vectors of texts without a language stay as they are, and that of a
    ticket changes when its language is set.
    """

    dependencies = [
        ("core", "0010_search_in_nine_languages"),
        ("tickets", "0017_events_of_confirmations"),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model, "search_vector", RowSearchVectorField(editable=False, null=True)
                )
                for model in ("ticket", "message")
            ],
            database_operations=[
                migrations.RunSQL(
                    """
                    ALTER TABLE tickets_ticket ALTER COLUMN search_vector DROP EXPRESSION;
                    ALTER TABLE tickets_message ALTER COLUMN search_vector DROP EXPRESSION;
                    """,
                ),
            ],
        ),
        migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop),
        migrations.AddIndex(
            "ticket", models.Index(fields=["language"], name="ticket_language_idx")
        ),
    ]
