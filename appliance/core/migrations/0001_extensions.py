from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations
from pgvector.django import VectorExtension

# Stemmed, without accents. ``skerry`` is the configuration in use: English until the desk's
# language is changed (search room).
CREATE_CONFIGURATIONS = "\n".join(
    f"""
    CREATE TEXT SEARCH CONFIGURATION {name} (COPY = pg_catalog.{language});
    ALTER TEXT SEARCH CONFIGURATION {name}
        ALTER MAPPING FOR hword, hword_part, word WITH unaccent, {language}_stem;
    """
    for name, language in [
        ("skerry", "english"),
        ("skerry_english", "english"),
        ("skerry_german", "german"),
    ]
)
DROP_CONFIGURATIONS = "\n".join(
    f"DROP TEXT SEARCH CONFIGURATION {name};"
    for name in ("skerry", "skerry_english", "skerry_german")
)


class Migration(migrations.Migration):
    """Extensions and text search configurations that the tables of every room need."""

    initial = True
    dependencies = []
    operations = [
        VectorExtension(),
        TrigramExtension(),
        UnaccentExtension(),
        migrations.RunSQL(CREATE_CONFIGURATIONS, DROP_CONFIGURATIONS),
    ]
