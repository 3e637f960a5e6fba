from django.db import migrations, models


class Migration(migrations.Migration):
    """The changes of one thing are found without reading those of all."""

    dependencies = [("core", "0006_words_of_the_desk")]
    operations = [
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                fields=["kind", "subject_id", "-at", "-id"], name="change_subject_idx"
            ),
        ),
    ]
