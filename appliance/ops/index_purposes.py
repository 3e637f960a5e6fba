"""What each index is for, as the comment above it in the models says ("serves …")."""

import re
import sys
from functools import cache
from pathlib import Path

from django.apps import apps

SERVES = re.compile(r"^\s*# serves (.+)$")
MORE = re.compile(r"^\s*# (.+)$")
NAMED = re.compile(r"\bname=\"(\w+)\"")
# Those of a vector space get their names when the space does.
BY_PREFIX = {
    "ticket_vector_hnsw": "similar tickets and search by meaning",
    "passage_vector_hnsw": "suggestions and search by meaning",
}


def purpose_of(index: str) -> str:
    """In the words of the code, in English; empty for an index that is not ours."""
    for prefix, purpose in BY_PREFIX.items():
        if index.startswith(prefix):
            return purpose
    return _purposes().get(index, "")


@cache
def _purposes() -> dict[str, str]:
    modules = {model.__module__ for model in apps.get_models()}
    ours = sorted(name for name in modules if name.startswith("appliance."))
    found: dict[str, str] = {}
    for module in ours:
        found |= purposes_in(Path(sys.modules[module].__file__).read_text())
    return found


def purposes_in(source: str) -> dict[str, str]:
    """Index name to purpose: the comment stands above, the name somewhere below it."""
    found, purpose, is_open = {}, "", False
    for line in source.splitlines():
        if match := SERVES.match(line):
            purpose, is_open = match.group(1), True
        elif is_open and (match := MORE.match(line)):
            purpose += " " + match.group(1)
        else:
            is_open = False
            if purpose and (match := NAMED.search(line)):
                found[match.group(1)] = purpose
            if re.match(r"^\s*\),?$", line):
                purpose = ""
    return found
