"""Names follow docs/decisions/0019: the terms of the field, no private dialect."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parent.parent
FILES = [
    path
    for path in [
        *CODE.glob("*.py"),
        *(
            path
            for room in ("appliance", "scripts", "tests")
            for path in (CODE / room).rglob("*.py")
        ),
    ]
    if "migrations" not in path.parts
]
# Names of 0.1.0 that say nothing; a noun says what a variable holds.
BANNED = {
    "asked",
    "box",
    "brought",
    "fence",
    "found",
    "given",
    "gone",
    "kept",
    "knock",
    "looked",
    "made",
    "meant",
    "narrowed",
    "one",
    "said",
    "shelf",
    "stick",
    "stuff",
    "tether",
    "thing",
    "told",
    "took",
    "touched",
    "wanted",
    "whole",
}
MAX_LINE = 140  # characters of a line in a template or a style sheet
BANNED_PREFIXES = ("MOST_", "LEAST_")
# A docstring that only makes sense beside the one above it.
LEANING = re.compile(r"^(The same\b|As above|Likewise|Those (that|of|who)\b|Ditto)")


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield every name that is defined or assigned, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


def format_place(path: Path, line: int, text: str) -> str:
    return f"{path.relative_to(CODE)}:{line}: {text}"


def is_banned(name: str) -> bool:
    return name.strip("_") in BANNED or name.lstrip("_").startswith(BANNED_PREFIXES)


def test_no_banned_identifier_is_used():
    wrong = [
        format_place(path, line, name)
        for path in FILES
        for line, name in names(ast.parse(path.read_bytes()))
        if is_banned(name)
    ]
    assert wrong == []


def test_docstrings_stand_alone():
    wrong = [
        format_place(path, line, text[:80])
        for path in FILES
        for line, text in docstrings(ast.parse(path.read_bytes()))
        if LEANING.match(text)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["said", "_found", "MOST_DAYS", "one"])
def test_banned_names_are_detected(name):
    (line, defined) = next(names(ast.parse(f"{name} = 1")))
    assert (line, defined) == (1, name) and is_banned(name)


def test_template_and_style_lines_stay_readable():
    lines = [
        (path, number, line)
        for pattern in ("*.html", "*.css")
        for path in (CODE / "appliance").rglob(pattern)
        for number, line in enumerate(path.read_text().splitlines(), 1)
    ]
    wrong = [
        format_place(path, number, f"{len(line)} characters")
        for path, number, line in lines
        if len(line) > MAX_LINE and "vendor" not in path.parts
    ]
    assert wrong == []
