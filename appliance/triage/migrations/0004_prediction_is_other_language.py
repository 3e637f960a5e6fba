from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triage", "0003_space_indexes")]

    operations = [
        migrations.AddField(
            model_name="prediction",
            name="is_other_language",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="The bundle was not measured on the language.",
            ),
        ),
    ]
