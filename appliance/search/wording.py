"""What was asked as PostgreSQL's own queries of words, made once for all ways to find something."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from appliance.search.asked import Asked, apart

_BEGUN = re.compile(r"^([^\"]*?)(\w{2,40})$")
# What the last word may become: the words of the desk that begin so and are written most, since an
# index collects all rows of all words that begin somehow before it looks at any. Unless none is
# known, as of a number.
_BEGINS = """(
to_tsquery({config}, %(word)s) || coalesce(
    (SELECT to_tsquery({config}, string_agg(quote_literal(text), ' | ')) FROM (
        SELECT text FROM search_word WHERE text LIKE %(like)s ORDER BY seen DESC LIMIT 8
    ) AS known),
    to_tsquery({config}, %(begun)s)
))"""


@dataclass(frozen=True)
class Wording:
    """Queries of words as text; empty where the words say nothing ("the of")."""

    every: str  # all words, the last one perhaps not typed to its end
    some: str  # any of the words
    rank: str  # for what holds all: the last word as it stands counts more than one it begins


def put(asked: Asked, configurations: tuple[str, ...]) -> Wording:
    """One query. With several configurations a word may stand as any of them stems it."""
    every, rank, some, arguments = [], [], [], {}
    for number, name in enumerate(configurations):
        arguments[f"c{number}"] = name
        made = list(_every(asked, f"%(c{number})s::regconfig", arguments))
        rank += made
        every += made[-1:] if asked.allows_some else made  # begun words are among them whole
        some.append(f"to_tsquery(%(c{number})s::regconfig, %(some)s)")
    arguments["some"] = " | ".join(f"'{word}'" for word in asked.words[:20])
    parts = list(dict.fromkeys(every + rank + (some if asked.allows_some else [])))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'({part})::text' for part in parts)}", arguments)
        put = dict(zip(parts, cursor.fetchone(), strict=True))
    written = ([put.get(part, "") for part in kind] for kind in (every, some, rank))
    return Wording(*map(_any_of, written))


def _any_of(queries: Sequence[str]) -> str:
    """Each once; those of which nothing was left say nothing."""
    kept = list(dict.fromkeys(query for query in queries if query))
    return " | ".join(f"( {query} )" for query in kept)


def _every(asked: Asked, config: str, arguments: dict[str, str]) -> Iterator[str]:
    arguments["whole"] = asked.apart
    yield f"websearch_to_tsquery({config}, %(whole)s)"
    begun = _BEGUN.search(asked.text)
    if begun is None or re.search(r"[-\w]$", begun.group(1)):
        return
    word = begun.group(2).lower()
    arguments["before"], arguments["begun"] = apart(begun.group(1)), f"'{word}':*"
    arguments["word"], arguments["like"] = f"'{word}'", word.replace("_", r"\_") + "%"
    last = _BEGINS.format(config=config)
    yield f"(websearch_to_tsquery({config}, %(before)s) && {last})"
