"""The queries of this room: each has a file with its name and says what it is for."""

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
# What figures are told apart by: the whole span with its steps, or the parts.
KEYS = {
    "steps": ("bucket", "GROUPING SETS ((), (bucket))"),
    "parts": ("part", "GROUPING SETS ((part))"),
}


@cache
def text(name: str, by: str = "steps") -> str:
    """The query of this name, with the files it names in braces put in."""
    key, groups = KEYS[by]
    query = (HERE / f"{name}.sql").read_text().replace("{key}", key).replace("{groups}", groups)
    for part in ("rows", "facts", "measures"):
        place = "{" + part + "}"
        if place in query:
            query = query.replace(place, text(part))
    return query
