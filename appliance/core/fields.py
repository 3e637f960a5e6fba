"""The full-text search column that several tables have."""

from collections.abc import Collection
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import F, Func, Model, TextField, Value

# to_tsvector fails on more than 1 MB of distinct words. Of a longer text the middle is not
# searchable: a log names its machine at the beginning and its error at the end.
MAX_INDEXED_CHARACTERS = 200_000
INDEXED_TAIL_CHARACTERS = 40_000
# Text search configuration of texts whose language is not known, set by the search room: stems in
# the site's language, no accents.
TEXT_SEARCH_CONFIG = "skerry"
# Configurations of texts whose language is known. Their vectors hold SEARCH_MARK and the language,
# a word that nobody can type, so that a search looks for each language in its own texts.
LANGUAGE_CONFIGS = {
    "de": "skerry_german",
    "en": "skerry_english",
    "es": "skerry_spanish",
    "fr": "skerry_french",
    "it": "skerry_italian",
    "nl": "skerry_dutch",
    "pl": "skerry_simple",
    "pt": "skerry_portuguese",
    "sv": "skerry_swedish",
}
# Languages that write compounds as one word: each end of a long word is indexed after this mark.
COMPOUND_LANGUAGES, COMPOUND_MARK = frozenset({"de", "nl", "sv"}), "\u2616"
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
# Rows with neighbouring numbers share a window: the mark and the number of the window. It lets a
# search read a GIN index from the newest rows backwards, however common the words are.
SEARCH_WINDOW_ROWS, SEARCH_MARK = 1024, "\u2617"


class RowSearchVectorField(SearchVectorField):
    """The words under which a row is found, set by a trigger of its table.

    ``sql/search_vectors.sql`` of the room has a function ``<table>_search_vector`` of a row, which
    calls ``search_vector`` of the file of this name in ``core`` with the language of the text.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"null": True, "editable": False, **kwargs})

    def pre_save(self, model_instance: Model, add: bool) -> None:
        """Send nothing to the database, which computes the value."""


class AnyLanguageQuery(SearchQuery):
    """A tsquery of words as each of the languages has them; "" is the site's language.

    For a table of few rows: the search room looks for each language in its own texts only.
    """

    def __init__(self, text: str, languages: Collection[str], *, is_raw: bool = False) -> None:
        super().__init__(Value(text))
        self.function = "search_any_language"
        codes = Value(["", *sorted(languages)], output_field=ArrayField(TextField()))
        self.set_source_expressions([Value(text), codes, Value(is_raw)])


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
