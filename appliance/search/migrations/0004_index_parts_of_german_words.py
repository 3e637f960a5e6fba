from django.db import migrations


def reindex_german_desk(apps, schema_editor):
    """Let the worker index all texts anew where the site's language is German.

    Texts of no known language have that one, and their long words get parts. Elsewhere nothing
    changes until a text has a language.
    """
    reindexes = apps.get_model("search", "Reindex").objects
    latest = reindexes.order_by("-pk").first()
    if latest is None or latest.language != "german" or latest.finished_at is None:
        return
    tables = [("tickets", "Ticket"), ("tickets", "Message"), ("knowledge", "Article")]
    reindexes.create(
        language="german",
        previous_language="german",
        table_name="tickets",
        rows_total=sum(apps.get_model(*table).objects.count() for table in tables),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0003_forget_anonymised_words"),
        ("tickets", "0018_search_in_the_language_of_the_text"),
        ("knowledge", "0005_search_in_the_language_of_the_text"),
    ]
    operations = [migrations.RunPython(reindex_german_desk, migrations.RunPython.noop)]
