"""Configurations of text search of the desk's own: stemmed, without accents. ``skerry`` is the one
in use: English until the search room hears that the desk speaks another language.
"""

from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations

MAKE = "\n".join(
    f"""
    CREATE TEXT SEARCH CONFIGURATION {name} (COPY = pg_catalog.{language});
    ALTER TEXT SEARCH CONFIGURATION {name}
        ALTER MAPPING FOR hword, hword_part, word WITH unaccent, {language}_stem;
    """
    for name, language in (
        ("skerry", "english"), ("skerry_english", "english"), ("skerry_german", "german"),
    )
)  # fmt: skip
UNMAKE = "\n".join(
    f"DROP TEXT SEARCH CONFIGURATION {name};"
    for name in ("skerry", "skerry_english", "skerry_german")
)


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0005_names_may_be_taken_from_changes"),
    ]

    operations = [UnaccentExtension(), migrations.RunSQL(MAKE, UNMAKE)]
