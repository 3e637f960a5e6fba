"""Fields that more than one room has."""

from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db.models import BigIntegerField, F, Func, GeneratedField, TextField, Value
from django.db.models.functions import Cast, Left

# to_tsvector fails on more than 1 MB of distinct words; this much of a text is searchable
INDEXED_CHARACTERS = 200_000
# How words are stemmed: in the desk's language, without accents. The search room keeps it so.
WORDS = "skerry"
# What stands inside of an address, a path or a serial. PostgreSQL takes such a thing as one word;
# here its parts are words as well.
JOINTS = r"@/\._:=-"
# So many rows of neighbouring numbers share an era: one more word of theirs, which nobody can
# type. It lets an index of words be read from the newest rows backwards, however common a word is.
ERA_ROWS, ERA_MARK = 1024, "\u2617"


def search_vector_of(*, title: str = "", body: str, number: str = "id") -> GeneratedField:
    """The words of a row, stemmed; those of the title weigh most, parts of identifiers least."""
    text = Left(body, INDEXED_CHARACTERS)
    vectors = [_words(text, "B"), _words(_apart(text), "D"), _era(number)]
    if title:
        vectors = [_words(title, "A"), _words(_apart(F(title)), "D"), *vectors]
    return GeneratedField(
        expression=Func(
            *vectors,
            arg_joiner=" || ",
            template="(%(expressions)s)",
            output_field=SearchVectorField(),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )


def _words(text: object, weight: str) -> SearchVector:
    return SearchVector(text, weight=weight, config=WORDS)


def _apart(text: object) -> Func:
    blanks = " " * len(JOINTS)
    return Func(text, Value(JOINTS), Value(blanks), function="translate", output_field=TextField())


def _era(number: str) -> Func:
    era = Func(
        F(number),
        Value(ERA_ROWS),
        template="(%(expressions)s)",
        arg_joiner=" / ",
        output_field=BigIntegerField(),
    )
    mark = Func(
        Value(ERA_MARK),
        Cast(era, TextField()),
        template="(%(expressions)s)",
        arg_joiner=" || ",
        output_field=TextField(),
    )
    return Func(mark, template="array_to_tsvector(ARRAY[%(expressions)s])")
