"""The full-text search column that several tables have."""

from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db.models import BigIntegerField, F, Func, GeneratedField, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Left

# to_tsvector fails on more than 1 MB of distinct words. Of a longer text the middle is not
# searchable: a log names its machine at the beginning and its error at the end.
MAX_INDEXED_CHARACTERS = 200_000
INDEXED_TAIL_CHARACTERS = 40_000
MAX_INDEXED_VALUE_CHARACTERS = 20_000  # of all custom fields of a ticket together
# Text search configuration, set by the search room: stems in the site's language, no accents.
TEXT_SEARCH_CONFIG = "skerry"
# Separators inside of addresses, paths and serial numbers. PostgreSQL indexes such an identifier as
# one word, a number with its sign, and leaves out <tags> and &entities;. Here the parts of all of
# them are indexed as well.
IDENTIFIER_SEPARATORS = r"@/\._:=-+<>&"
# Characters of scripts that put no blanks between words: Thai, Lao, Burmese, Khmer, Chinese and
# Japanese; and Korean, where particles follow a word directly. Each is indexed as a word, so that
# a word is a phrase of them and a code beside them is found. A class for Python and PostgreSQL.
UNSPACED_SCRIPTS = (
    r"[\u0E01-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u2E80-\u2FDF\u3005-\u3007"
    r"\u3031-\u318F\u31A0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF"
    r"\U00020000-\U0003FFFF]"
)
# Rows with neighbouring numbers share a window: an extra word in their vectors that nobody can
# type. It lets a search read a GIN index from the newest rows backwards, however common the
# words are.
SEARCH_WINDOW_ROWS, SEARCH_WINDOW_MARK = 1024, "\u2617"


def search_vector_field(
    *,
    title: str = "",
    body: str,
    values: str = "",
    number: str = "id",
    has_long_texts: bool = False,
) -> GeneratedField:
    """Return a generated tsvector column of a row's words.

    Words of the title weigh most (A), then the body (B), then parts of identifiers (D). Words of
    the values in the JSON column ``values``, and nothing else, have the weight C: those who may not
    see all of them are searched without it. ``number`` is the column whose value decides the search
    window of the row. Of a text longer than MAX_INDEXED_CHARACTERS the beginning is indexed; with
    ``has_long_texts`` its end as well.
    """
    text: Func = Left(body, MAX_INDEXED_CHARACTERS)
    if has_long_texts:
        text = ends_of_text(body, MAX_INDEXED_CHARACTERS, INDEXED_TAIL_CHARACTERS)
    text = _normalised(text)
    vectors = [_vector(text, "B"), _vector(_identifier_parts(text), "D"), _window_word(number)]
    if title:
        words = _normalised(F(title))
        vectors = [_vector(words, "A"), _vector(_identifier_parts(words), "D"), *vectors]
    if values:
        words = _normalised(_values_text(values))
        vectors = [*vectors, _vector(words, "C"), _vector(_identifier_parts(words), "C")]
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


def _values_text(column: str) -> Func:
    """Return the values of a JSON object as text, without their keys."""
    return Func(
        F(column),
        template=(
            "left(jsonb_path_query_array(%(expressions)s, '$.*')::text,"
            f" {MAX_INDEXED_VALUE_CHARACTERS})"
        ),
        output_field=TextField(),
    )


def ends_of_text(column: str, max_characters: int, tail_characters: int) -> Func:
    """Return the text in ``column``; of a longer one than the maximum its beginning and its end."""
    sql = ends_of_text_sql("%(expressions)s", max_characters, tail_characters)
    return Func(F(column), template=sql, output_field=TextField())


def ends_of_text_sql(text: str, max_characters: int, tail_characters: int) -> str:
    head_characters = max_characters - tail_characters
    return (
        f"(CASE WHEN char_length({text}) <= {max_characters} THEN {text}"
        f" ELSE left({text}, {head_characters}) || ' ' || right({text}, {tail_characters}) END)"
    )


def _normalised(text: Combinable) -> Func:
    """Return composed characters and plain digits, with blanks around unspaced scripts."""
    composed = Func(text, template="normalize(%(expressions)s, NFKC)", output_field=TextField())
    return Func(
        composed,
        Value(f"({UNSPACED_SCRIPTS})"),
        Value(r" \1 "),
        Value("g"),
        function="regexp_replace",
        output_field=TextField(),
    )


def _vector(text: Combinable, weight: str) -> SearchVector:
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
