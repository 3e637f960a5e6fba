"""What was asked as PostgreSQL's own queries of words, made once for all ways to find something."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery
from django.db import connection

from appliance.core.fields import ERA_MARK, ERA_ROWS
from appliance.search.asked import Asked, apart

# So many eras are looked through, the newest first, before all are: a common word stands in enough
# of the newest rows, and of the rarer ones an index hands over few.
WINDOWS = (1, 8)
_BEGUN = re.compile(r"^([^\"]*?)(\w{2,40})$")


class Worded(SearchQuery):
    """A query as PostgreSQL wrote it down itself."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def as_sql(self, compiler, connection, function=None, template=None) -> tuple[str, list]:
        return "%s::tsquery", [self.text]


@dataclass(frozen=True)
class Wording:
    """Queries of words as text; empty where the words say nothing ("the of")."""

    every: str  # all words, the last one perhaps not typed to its end
    some: str  # any of the words


def put(asked: Asked, configurations: tuple[str, ...]) -> Wording:
    """One query. With several configurations a word may stand as any of them stems it."""
    every, some, arguments = [], [], {}
    for number, name in enumerate(configurations):
        arguments[f"c{number}"] = name
        every += _every(asked, f"%(c{number})s::regconfig", arguments)
        some.append(f"to_tsquery(%(c{number})s::regconfig, %(some)s)")
    arguments["some"] = " | ".join(f"'{word}'" for word in asked.words[:20])
    parts = [f"({query})::text" for query in (every + some if asked.allows_some else every)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", arguments)
        row = cursor.fetchone()
    return Wording(_any_of(row[: len(every)]), _any_of(row[len(every) :]))


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
    arguments["before"], arguments["begun"] = apart(begun.group(1)), f"'{begun.group(2)}':*"
    last = f"to_tsquery({config}, %(begun)s)"
    yield f"(websearch_to_tsquery({config}, %(before)s) && {last})"


def windows(query: str, *, first: int, last: int, oldest_first: bool = False) -> Iterator[Worded]:
    """The query for more and more eras, at last for all rows.

    ``first`` and ``last`` are the numbers between which rows are looked for.
    """
    eras = range(first // ERA_ROWS, last // ERA_ROWS + 1)
    for many in WINDOWS:
        if many >= len(eras):
            break
        near = eras[:many] if oldest_first else eras[-many:]
        marks = " | ".join(f"'{ERA_MARK}{era}'" for era in near)
        yield Worded(f"( {query} ) & ( {marks} )")
    yield Worded(query)
