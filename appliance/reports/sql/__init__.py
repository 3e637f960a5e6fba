"""The queries of this room: each has a file with its name and says what it is for."""

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def text(name: str) -> str:
    """The query of this name, with the files it names in braces put in."""
    query = (HERE / f"{name}.sql").read_text()
    for part in ("rows", "facts", "measures"):
        place = "{" + part + "}"
        if place in query:
            query = query.replace(place, text(part))
    return query
