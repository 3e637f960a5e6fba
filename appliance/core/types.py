"""Sentinels, numbers read from text, and texts that no line breaks."""

from enum import Enum
from typing import Final

MAX_BIGINT_DIGITS = 18  # every number of so many digits fits into a bigint


class Unset(Enum):
    """The type of UNSET, for annotations such as ``str | None | Unset``."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET  # default of an argument that leaves a field as it is


def keep_together(text: str) -> str:
    """Return ``text`` with spaces that no line breaks: "18 min", "53 %"."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def read_number(text: str, *, digits: int = MAX_BIGINT_DIGITS) -> int | None:
    """Return the number ``text`` is, if it is 1 to ``digits`` ASCII digits and nothing else."""
    is_number = text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if is_number else None
