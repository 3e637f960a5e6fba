"""What differs between two texts: line by line, and inside a line word by word. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

AROUND = 3  # unchanged lines shown before and after a change
MAX_LINES = 2000  # of both texts together that are compared line by line
MAX_CHARACTERS = 2000  # of a line that is compared word by word
MIN_SIMILARITY = 0.3  # two lines less alike than this have nothing to compare
Piece = tuple[str, bool]  # text, and whether it differs


@dataclass(frozen=True)
class Row:
    """One line beside the other. ``gap`` counts unchanged lines that are left out."""

    kind: Literal["same", "changed", "removed", "added", "gap"]
    old: tuple[Piece, ...] = ()
    new: tuple[Piece, ...] = ()
    gap: int = 0


def compare(old: str, new: str) -> list[Row]:
    """All that differs, with some lines around it; empty when nothing does."""
    if old == new:
        return []
    before, after = old.splitlines(), new.splitlines()
    if len(before) + len(after) > MAX_LINES:
        return [*map(_removed, before), *map(_added, after)]
    rows = list(_rows(before, after))
    return list(_folded(rows))


def _rows(before: list[str], after: list[str]) -> Iterator[Row]:
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (Row("same", ((line, False),), ((line, False),)) for line in before[a:b])
            continue
        pairs = min(b - a, d - c)
        for old, new in zip(before[a : a + pairs], after[c : c + pairs], strict=True):
            yield from _changed(old, new)
        yield from map(_removed, before[a + pairs : b])
        yield from map(_added, after[c + pairs : d])


def _changed(old: str, new: str) -> Iterator[Row]:
    if max(len(old), len(new)) > MAX_CHARACTERS:
        yield Row("changed", ((old, True),), ((new, True),))
        return
    ours, theirs = re.findall(r"\w+|\s+|.", old), re.findall(r"\w+|\s+|.", new)
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    if matcher.ratio() < MIN_SIMILARITY:
        yield Row("changed", ((old, True),), ((new, True),))
        return
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if a < b:
            left.append(("".join(ours[a:b]), tag != "equal"))
        if c < d:
            right.append(("".join(theirs[c:d]), tag != "equal"))
    yield Row("changed", tuple(left), tuple(right))


def _removed(line: str) -> Row:
    return Row("removed", old=((line, True),))


def _added(line: str) -> Row:
    return Row("added", new=((line, True),))


def _folded(rows: list[Row]) -> Iterator[Row]:
    """Long runs of unchanged lines become one row that counts them."""
    changed = [n for n, row in enumerate(rows) if row.kind != "same"]
    near = {n + step for n in changed for step in range(-AROUND, AROUND + 1)}
    gap = 0
    for n, row in enumerate(rows):
        if n in near:
            if gap:
                yield Row("gap", gap=gap)
            gap = 0
            yield row
        else:
            gap += 1
    if gap:
        yield Row("gap", gap=gap)
