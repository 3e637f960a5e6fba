from pathlib import Path

from django.db import migrations

FUNCTIONS = (Path(__file__).parent.parent / "sql" / "search_vectors.sql").read_text()
STEMMERS = ("french", "spanish", "italian", "dutch", "portuguese", "swedish")
CREATE_CONFIGURATIONS = "\n".join(
    f"""
    CREATE TEXT SEARCH CONFIGURATION skerry_{language} (COPY = pg_catalog.{language});
    ALTER TEXT SEARCH CONFIGURATION skerry_{language}
        ALTER MAPPING FOR hword, hword_part, word WITH unaccent, {dictionary};
    """
    for language, dictionary in [
        *((language, f"{language}_stem") for language in STEMMERS),
        ("simple", "simple"),
    ]
)
DROP_CONFIGURATIONS = "\n".join(
    f"DROP TEXT SEARCH CONFIGURATION skerry_{language};" for language in (*STEMMERS, "simple")
)


class Migration(migrations.Migration):
    """Add text search configurations of nine languages, and the function that uses them."""

    dependencies = [("core", "0009_languages_of_the_desk")]
    operations = [
        migrations.RunSQL(CREATE_CONFIGURATIONS, DROP_CONFIGURATIONS),
        migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop),
    ]
