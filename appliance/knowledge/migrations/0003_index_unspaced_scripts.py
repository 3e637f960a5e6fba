"""Index composed characters, scripts that put no blanks between words, and what is in tags."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0002_triggers")]

    # PostgreSQL cannot change the expression of a generated column.
    operations = [
        migrations.RemoveIndex("article", "article_search_idx"),
        migrations.RemoveField("article", "search_vector"),
        migrations.AddField(
            "article",
            "search_vector",
            models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.F("title"),
                                output_field=models.TextField(),
                                template="normalize(%(expressions)s, NFKC)",
                            ),
                            models.Value(
                                "([\\u0E01-\\u0EFF\\u1000-\\u109F\\u1100-\\u11FF\\u1780-\\u17FF\\u2E80-\\u2FDF\\u3005-\\u3007\\u3031-\\u318F\\u31A0-\\u31FF\\u3400-\\u4DBF\\u4E00-\\u9FFF\\uAC00-\\uD7AF\\uF900-\\uFAFF\\U00020000-\\U0003FFFF])"
                            ),
                            models.Value(" \\1 "),
                            models.Value("g"),
                            function="regexp_replace",
                            output_field=models.TextField(),
                        ),
                        config="skerry",
                        weight="A",
                    ),
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.Func(
                                    models.F("title"),
                                    output_field=models.TextField(),
                                    template="normalize(%(expressions)s, NFKC)",
                                ),
                                models.Value(
                                    "([\\u0E01-\\u0EFF\\u1000-\\u109F\\u1100-\\u11FF\\u1780-\\u17FF\\u2E80-\\u2FDF\\u3005-\\u3007\\u3031-\\u318F\\u31A0-\\u31FF\\u3400-\\u4DBF\\u4E00-\\u9FFF\\uAC00-\\uD7AF\\uF900-\\uFAFF\\U00020000-\\U0003FFFF])"
                                ),
                                models.Value(" \\1 "),
                                models.Value("g"),
                                function="regexp_replace",
                                output_field=models.TextField(),
                            ),
                            models.Value("@/\\._:=-+<>&"),
                            models.Value("            "),
                            function="translate",
                            output_field=models.TextField(),
                        ),
                        config="skerry",
                        weight="D",
                    ),
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                django.db.models.functions.text.Left("content", 200000),
                                output_field=models.TextField(),
                                template="normalize(%(expressions)s, NFKC)",
                            ),
                            models.Value(
                                "([\\u0E01-\\u0EFF\\u1000-\\u109F\\u1100-\\u11FF\\u1780-\\u17FF\\u2E80-\\u2FDF\\u3005-\\u3007\\u3031-\\u318F\\u31A0-\\u31FF\\u3400-\\u4DBF\\u4E00-\\u9FFF\\uAC00-\\uD7AF\\uF900-\\uFAFF\\U00020000-\\U0003FFFF])"
                            ),
                            models.Value(" \\1 "),
                            models.Value("g"),
                            function="regexp_replace",
                            output_field=models.TextField(),
                        ),
                        config="skerry",
                        weight="B",
                    ),
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.Func(
                                    django.db.models.functions.text.Left("content", 200000),
                                    output_field=models.TextField(),
                                    template="normalize(%(expressions)s, NFKC)",
                                ),
                                models.Value(
                                    "([\\u0E01-\\u0EFF\\u1000-\\u109F\\u1100-\\u11FF\\u1780-\\u17FF\\u2E80-\\u2FDF\\u3005-\\u3007\\u3031-\\u318F\\u31A0-\\u31FF\\u3400-\\u4DBF\\u4E00-\\u9FFF\\uAC00-\\uD7AF\\uF900-\\uFAFF\\U00020000-\\U0003FFFF])"
                                ),
                                models.Value(" \\1 "),
                                models.Value("g"),
                                function="regexp_replace",
                                output_field=models.TextField(),
                            ),
                            models.Value("@/\\._:=-+<>&"),
                            models.Value("            "),
                            function="translate",
                            output_field=models.TextField(),
                        ),
                        config="skerry",
                        weight="D",
                    ),
                    models.Func(
                        models.Func(
                            models.Value("☗"),
                            django.db.models.functions.comparison.Cast(
                                models.Func(
                                    models.F("id"),
                                    models.Value(1024),
                                    arg_joiner=" / ",
                                    output_field=models.BigIntegerField(),
                                    template="(%(expressions)s)",
                                ),
                                models.TextField(),
                            ),
                            arg_joiner=" || ",
                            output_field=models.TextField(),
                            template="(%(expressions)s)",
                        ),
                        template="array_to_tsvector(ARRAY[%(expressions)s])",
                    ),
                    arg_joiner=" || ",
                    output_field=django.contrib.postgres.search.SearchVectorField(),
                    template="(%(expressions)s)",
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            "article",
            django.contrib.postgres.indexes.GinIndex(
                fields=["search_vector"], name="article_search_idx"
            ),
        ),
    ]
