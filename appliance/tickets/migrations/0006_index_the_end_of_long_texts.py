import django.contrib.postgres.search
import django.db.models.functions.comparison
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    """Make the end of long texts searchable. PostgreSQL cannot change a generated column."""

    dependencies = [
        ("tickets", "0005_mark_messages_of_agents"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="message", name="message_search_idx"),
        migrations.RemoveField(model_name="message", name="search_vector"),
        migrations.AddField(
            model_name="message",
            name="search_vector",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.F("body"),
                            output_field=models.TextField(),
                            template="(CASE WHEN char_length(%(expressions)s) <= 200000 THEN %(expressions)s ELSE left(%(expressions)s, 160000) || ' ' || right(%(expressions)s, 40000) END)",
                        ),
                        config="skerry",
                        weight="B",
                    ),
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.F("body"),
                                output_field=models.TextField(),
                                template="(CASE WHEN char_length(%(expressions)s) <= 200000 THEN %(expressions)s ELSE left(%(expressions)s, 160000) || ' ' || right(%(expressions)s, 40000) END)",
                            ),
                            models.Value("@/\\._:=-"),
                            models.Value("        "),
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
            model_name="message",
            index=GinIndex(fields=["search_vector"], name="message_search_idx"),
        ),
        migrations.RemoveIndex(model_name="ticket", name="ticket_search_idx"),
        migrations.RemoveField(model_name="ticket", name="search_vector"),
        migrations.AddField(
            model_name="ticket",
            name="search_vector",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    django.contrib.postgres.search.SearchVector(
                        "subject", config="skerry", weight="A"
                    ),
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.F("subject"),
                            models.Value("@/\\._:=-"),
                            models.Value("        "),
                            function="translate",
                            output_field=models.TextField(),
                        ),
                        config="skerry",
                        weight="D",
                    ),
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.F("description"),
                            output_field=models.TextField(),
                            template="(CASE WHEN char_length(%(expressions)s) <= 200000 THEN %(expressions)s ELSE left(%(expressions)s, 160000) || ' ' || right(%(expressions)s, 40000) END)",
                        ),
                        config="skerry",
                        weight="B",
                    ),
                    django.contrib.postgres.search.SearchVector(
                        models.Func(
                            models.Func(
                                models.F("description"),
                                output_field=models.TextField(),
                                template="(CASE WHEN char_length(%(expressions)s) <= 200000 THEN %(expressions)s ELSE left(%(expressions)s, 160000) || ' ' || right(%(expressions)s, 40000) END)",
                            ),
                            models.Value("@/\\._:=-"),
                            models.Value("        "),
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
            model_name="ticket",
            index=GinIndex(fields=["search_vector"], name="ticket_search_idx"),
        ),
    ]
