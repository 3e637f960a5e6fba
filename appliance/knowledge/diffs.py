"""Differences between two texts: line by line, and word by word within a line. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

CONTEXT_LINES = 3  # unchanged lines shown before and after a change
MAX_LINES = 2000  # of both texts together that are compared line by line
MAX_CHARACTERS = 2000  # of a line that is compared word by word
MIN_SIMILARITY = 0.3  # less similar lines are not compared word by word
Piece = tuple[str, bool]  # text, and whether it differs


@dataclass(frozen=True)
class DiffRow:
    """An old line beside the new one. ``gap`` counts unchanged lines that are left out."""

    kind: Literal["same", "changed", "removed", "added", "gap"]
    old: tuple[Piece, ...] = ()
    new: tuple[Piece, ...] = ()
    gap: int = 0


def compare_texts(old: str, new: str) -> list[DiffRow]:
    """Return the differing lines with the lines around them; empty when the texts are equal."""
    if old == new:
        return []
    old_lines, new_lines = old.splitlines(), new.splitlines()
    if len(old_lines) + len(new_lines) > MAX_LINES:
        return [*map(_removed, old_lines), *map(_added, new_lines)]
    rows = list(_compare_lines(old_lines, new_lines))
    return list(_collapse_unchanged(rows))


def _compare_lines(old_lines: Sequence[str], new_lines: Sequence[str]) -> Iterator[DiffRow]:
    matcher = SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        old_block, new_block = old_lines[old_start:old_end], new_lines[new_start:new_end]
        if tag == "equal":
            yield from (DiffRow("same", ((line, False),), ((line, False),)) for line in old_block)
            continue
        pairs = min(len(old_block), len(new_block))
        for old, new in zip(old_block[:pairs], new_block[:pairs], strict=True):
            yield _compare_words(old, new)
        yield from map(_removed, old_block[pairs:])
        yield from map(_added, new_block[pairs:])


def _compare_words(old: str, new: str) -> DiffRow:
    whole_line = DiffRow("changed", ((old, True),), ((new, True),))
    if max(len(old), len(new)) > MAX_CHARACTERS:
        return whole_line
    old_words, new_words = (re.findall(r"\w+|\s+|.", line) for line in (old, new))
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    if matcher.ratio() < MIN_SIMILARITY:
        return whole_line
    old_pieces: list[Piece] = []
    new_pieces: list[Piece] = []
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if old_start < old_end:
            old_pieces.append(("".join(old_words[old_start:old_end]), tag != "equal"))
        if new_start < new_end:
            new_pieces.append(("".join(new_words[new_start:new_end]), tag != "equal"))
    return DiffRow("changed", tuple(old_pieces), tuple(new_pieces))


def _removed(line: str) -> DiffRow:
    return DiffRow("removed", old=((line, True),))


def _added(line: str) -> DiffRow:
    return DiffRow("added", new=((line, True),))


def _collapse_unchanged(rows: Sequence[DiffRow]) -> Iterator[DiffRow]:
    """Replace unchanged lines far from any change by one row that counts them."""
    changed = [number for number, row in enumerate(rows) if row.kind != "same"]
    context = range(-CONTEXT_LINES, CONTEXT_LINES + 1)
    shown = {number + distance for number in changed for distance in context}
    gap = 0
    for number, row in enumerate(rows):
        if number in shown:
            if gap:
                yield DiffRow("gap", gap=gap)
            gap = 0
            yield row
        else:
            gap += 1
    if gap:
        yield DiffRow("gap", gap=gap)
