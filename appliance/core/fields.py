"""The full-text search column that several tables have."""

from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db.models import BigIntegerField, F, Func, GeneratedField, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Left

# to_tsvector fails on more than 1 MB of distinct words: the rest of a text is not searchable
MAX_INDEXED_CHARACTERS = 200_000
# Text search configuration, set by the search room: stems in the site's language, no accents.
TEXT_SEARCH_CONFIG = "skerry"
# Separators inside of addresses, paths and serial numbers. PostgreSQL indexes such an identifier as
# one word; here its parts are indexed as well.
IDENTIFIER_SEPARATORS = r"@/\._:=-"
# Rows with neighbouring numbers share a window: an extra word in their vectors that nobody can
# type. It lets a search read a GIN index from the newest rows backwards, however common the
# words are.
SEARCH_WINDOW_ROWS, SEARCH_WINDOW_MARK = 1024, "\u2617"


def search_vector_field(*, title: str = "", body: str, number: str = "id") -> GeneratedField:
    """Return a generated tsvector column of a row's words.

    Words of the title weigh most (A), then the body (B), then parts of identifiers (D). ``number``
    is the column whose value decides the search window of the row.
    """
    text = Left(body, MAX_INDEXED_CHARACTERS)
    vectors = [_vector(text, "B"), _vector(_identifier_parts(text), "D"), _window_word(number)]
    if title:
        vectors = [_vector(title, "A"), _vector(_identifier_parts(F(title)), "D"), *vectors]
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


def _vector(text: str | Combinable, weight: str) -> SearchVector:
    return SearchVector(text, weight=weight, config=TEXT_SEARCH_CONFIG)


def _identifier_parts(text: Combinable) -> Func:
    blanks = " " * len(IDENTIFIER_SEPARATORS)
    return Func(
        text,
        Value(IDENTIFIER_SEPARATORS),
        Value(blanks),
        function="translate",
        output_field=TextField(),
    )


def _window_word(number: str) -> Func:
    window = Func(
        F(number),
        Value(SEARCH_WINDOW_ROWS),
        template="(%(expressions)s)",
        arg_joiner=" / ",
        output_field=BigIntegerField(),
    )
    word = Func(
        Value(SEARCH_WINDOW_MARK),
        Cast(window, TextField()),
        template="(%(expressions)s)",
        arg_joiner=" || ",
        output_field=TextField(),
    )
    return Func(word, template="array_to_tsvector(ARRAY[%(expressions)s])")
