import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0003_index_unspaced_scripts")]

    operations = [
        migrations.AddField(
            model_name="article",
            name="language",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="ISO 639-1 code of its text; empty while it is not recognised.",
                max_length=2,
            ),
        ),
        migrations.AddField(
            model_name="article",
            name="original",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The article that it is a translation of.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="translations",
                to="knowledge.article",
            ),
        ),
        migrations.AddField(
            model_name="article",
            name="original_version",
            field=models.PositiveIntegerField(
                editable=False,
                help_text="Version of the original that it translates.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="article",
            index=models.Index(fields=["language"], name="article_language_idx"),
        ),
        migrations.AddIndex(
            model_name="article",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce("original", "id"),
                name="article_group_idx",
            ),
        ),
        migrations.AddConstraint(
            model_name="article",
            constraint=models.UniqueConstraint(
                condition=models.Q(("original__isnull", False)),
                fields=("original", "language"),
                name="article_translation_once",
            ),
        ),
    ]
