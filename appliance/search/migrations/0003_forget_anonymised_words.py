from django.db import migrations


def forget_vocabulary(apps, schema_editor):
    """Let the worker count all words anew where people were anonymised before words were erased."""
    people = [apps.get_model("accounts", name) for name in ("Customer", "User")]
    if any(model.objects.exclude(anonymised_at=None).exists() for model in people):
        apps.get_model("search", "VocabularyWord").objects.all().delete()
        apps.get_model("search", "VocabularyProgress").objects.all().delete()


class Migration(migrations.Migration):
    """Remove the words of people who were anonymised earlier from the vocabulary."""

    dependencies = [("accounts", "0001_initial"), ("search", "0002_replace_stemmer")]
    operations = [migrations.RunPython(forget_vocabulary, migrations.RunPython.noop)]
