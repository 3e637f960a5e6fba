from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triage", "0005_suggestions_remembered")]

    operations = [
        migrations.AddField(
            model_name="annotation",
            name="held_back",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Not said yet: see decision 0008.",
                max_length=40,
            ),
        ),
        migrations.AddField(
            model_name="correction",
            name="held_back",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="What it would have said, less careful.",
                max_length=40,
            ),
        ),
        migrations.AddIndex(
            model_name="correction",
            index=models.Index(
                fields=["bundle_digest", "-id"],
                condition=models.Q(("held_back", ""), _negated=True),
                name="correction_held_back",
            ),
        ),
    ]
