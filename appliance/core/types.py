"""Sentinels, and numbers read from text."""

from enum import Enum
from typing import Final

MAX_BIGINT_DIGITS = 18  # every number of so many digits fits into a bigint


class Unset(Enum):
    """The type of UNSET, for annotations such as ``str | None | Unset``."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET  # default of an argument that leaves a field as it is


def read_number(text: str, *, digits: int = MAX_BIGINT_DIGITS) -> int | None:
    """Return the number ``text`` is, if it is 1 to ``digits`` ASCII digits and nothing else."""
    is_number = text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if is_number else None
