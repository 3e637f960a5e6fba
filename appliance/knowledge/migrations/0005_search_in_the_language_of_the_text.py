from pathlib import Path

from django.db import migrations

from appliance.core.fields import RowSearchVectorField

TRIGGERS = (Path(__file__).parent.parent / "sql" / "search_vectors.sql").read_text()


class Migration(migrations.Migration):
    """Let a trigger set the search vectors of articles; no row is rewritten."""

    dependencies = [
        ("core", "0010_search_in_nine_languages"),
        ("knowledge", "0004_language_and_translations"),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "article", "search_vector", RowSearchVectorField(editable=False, null=True)
                )
            ],
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE knowledge_article ALTER COLUMN search_vector DROP EXPRESSION"
                )
            ],
        ),
        migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop),
    ]
