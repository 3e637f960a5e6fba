"""What was said on tickets is searched, too; words stand in the desk's own configuration."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models
from django.db.models.functions import Cast, Left

BLANKS = " " * 8


def words(text: object, weight: str) -> django.contrib.postgres.search.SearchVector:
    return django.contrib.postgres.search.SearchVector(text, config="skerry", weight=weight)


def apart(text: object) -> models.Func:
    return models.Func(
        text,
        models.Value("@/\\._:=-"),
        models.Value(BLANKS),
        function="translate",
        output_field=models.TextField(),
    )


def era(number: str) -> models.Func:
    era = models.Func(
        models.F(number),
        models.Value(1024),
        template="(%(expressions)s)",
        arg_joiner=" / ",
        output_field=models.BigIntegerField(),
    )
    mark = models.Func(
        models.Value("\u2617"),
        Cast(era, models.TextField()),
        template="(%(expressions)s)",
        arg_joiner=" || ",
        output_field=models.TextField(),
    )
    return models.Func(mark, template="array_to_tsvector(ARRAY[%(expressions)s])")


def vector(*parts: object) -> models.GeneratedField:
    return models.GeneratedField(
        expression=models.Func(
            *parts,
            arg_joiner=" || ",
            template="(%(expressions)s)",
            output_field=django.contrib.postgres.search.SearchVectorField(),
        ),
        output_field=django.contrib.postgres.search.SearchVectorField(),
        db_persist=True,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0006_words_of_the_desk"),
        ("tickets", "0006_moments_of_earlier_tickets"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="ticket", name="ticket_search_idx"),
        migrations.RemoveField(model_name="ticket", name="search_vector"),
        migrations.AddField(
            model_name="ticket",
            name="search_vector",
            field=vector(
                words("subject", "A"),
                words(apart(models.F("subject")), "D"),
                words(Left("description", 200000), "B"),
                words(apart(Left("description", 200000)), "D"),
                era("id"),
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["search_vector"], name="ticket_search_idx"
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="search_vector",
            field=vector(
                words(Left("body", 200000), "B"),
                words(apart(Left("body", 200000)), "D"),
                era("ticket_id"),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["search_vector"], name="message_search_idx"
            ),
        ),
    ]
