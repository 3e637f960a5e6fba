"""Search the ends of long texts, scripts without blanks, tags and values of custom fields."""

import django.contrib.postgres.search
import django.db.models.functions.comparison
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0005_mark_messages_of_agents")]

    # PostgreSQL cannot change the expression of a generated column.
    operations = [
        migrations.RemoveIndex(model_name="ticket", name="ticket_search_idx"),
        migrations.RemoveField(model_name="ticket", name="search_vector"),
        migrations.AddField(
            model_name="ticket",
            name="search_vector",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.F("subject"),
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
                                    models.F("subject"),
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
                                models.Func(
                                    models.F("description"),
                                    output_field=models.TextField(),
                                    template="(CASE WHEN char_length(%(expressions)s) <= 200000 THEN %(expressions)s ELSE left(%(expressions)s, 160000) || ' ' || right(%(expressions)s, 40000) END)",
                                ),
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
                                    models.Func(
                                        models.F("description"),
                                        output_field=models.TextField(),
                                        template="(CASE WHEN char_length(%(expressions)s) <= 200000 THEN %(expressions)s ELSE left(%(expressions)s, 160000) || ' ' || right(%(expressions)s, 40000) END)",
                                    ),
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
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.Func(
                                    models.F("fields"),
                                    output_field=models.TextField(),
                                    template="left(jsonb_path_query_array(%(expressions)s, '$.*')::text, 20000)",
                                ),
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
                        weight="C",
                    ),
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.Func(
                                    models.Func(
                                        models.F("fields"),
                                        output_field=models.TextField(),
                                        template="left(jsonb_path_query_array(%(expressions)s, '$.*')::text, 20000)",
                                    ),
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
                        weight="C",
                    ),
                    arg_joiner=" || ",
                    output_field=django.contrib.postgres.search.SearchVectorField(),
                    template="(%(expressions)s)",
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=GinIndex(fields=["search_vector"], name="ticket_search_idx"),
        ),
        migrations.RemoveIndex("message", "message_search_idx"),
        migrations.RemoveField("message", "search_vector"),
        migrations.AddField(
            "message",
            "search_vector",
            models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.Func(
                                    models.F("body"),
                                    output_field=models.TextField(),
                                    template="(CASE WHEN char_length(%(expressions)s) <= 200000 THEN %(expressions)s ELSE left(%(expressions)s, 160000) || ' ' || right(%(expressions)s, 40000) END)",
                                ),
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
                                    models.Func(
                                        models.F("body"),
                                        output_field=models.TextField(),
                                        template="(CASE WHEN char_length(%(expressions)s) <= 200000 THEN %(expressions)s ELSE left(%(expressions)s, 160000) || ' ' || right(%(expressions)s, 40000) END)",
                                    ),
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
                                    models.F("ticket_id"),
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
            "message",
            GinIndex(fields=["search_vector"], name="message_search_idx"),
        ),
    ]
