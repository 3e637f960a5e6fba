"""Read the YAML front matter of a Markdown file.

Only scalars are read, as the text that stands there: YAML would make the title ``No`` false and
``2026-01-31`` a date. Nothing is constructed, and aliases are refused.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

import yaml
from django.utils.translation import gettext as _

from appliance.core.errors import BadInputError

MAX_CHARACTERS = 20_000
MAX_DEPTH = 20  # of lists and mappings in each other; PyYAML calls itself at each level
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n(?![ \t]*\n)(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_KEY = re.compile(r"[ \t]*([\w-]{1,40})[ \t]*:")
_LINES_BEFORE = 2  # PyYAML counts from zero, and the first line of the file is "---"


@dataclass(frozen=True)
class FrontMatter:
    """The fields of a front matter, and the lines of the file that they stand in."""

    fields: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    unknown_keys: tuple[str, ...] = ()


def split(text: str, names: Collection[str]) -> tuple[FrontMatter, str]:
    """Return the front matter between two lines ``---``, and the text after it.

    A text between such lines that is no mapping belongs to the page. Raises BadInputError, naming
    line and key, for invalid YAML and for a field of ``names`` that is no text.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        return FrontMatter(), text
    if len(match[1]) > MAX_CHARACTERS:
        raise BadInputError(
            _("The front matter is longer than %(most)d characters.") % {"most": MAX_CHARACTERS}
        )
    root = _compose(match[1])
    if root is not None and not isinstance(root, yaml.MappingNode):
        return FrontMatter(), text
    return _read_mapping(root, names) if root else FrontMatter(), text[match.end() :]


def error_in_line(line: int, key: str, reason: str) -> BadInputError:
    place = _("Line %(line)d, “%(key)s”") if key else _("Line %(line)d")
    return BadInputError(f"{place % {'line': line, 'key': key}}: {reason}")


def _compose(text: str) -> yaml.Node | None:
    """Return the tree of nodes; nothing is constructed from it."""
    try:
        _check_events(text)
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        return root
    except yaml.MarkedYAMLError as error:
        mark = error.context_mark or error.problem_mark
        line_number = mark.line if mark else 0
    except yaml.reader.ReaderError as error:  # a character that YAML does not allow
        line_number = text.count("\n", 0, error.position)
    raise _error(
        text,
        line_number,
        _("this is not valid YAML. Put a text with special characters in quotes."),
    )


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        line_number = event.start_mark.line if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise _error(text, line_number, _("references (*name) are not supported."))
        if depth > MAX_DEPTH:
            raise _error(text, line_number, _("this is too deeply nested."))


def _error(text: str, line_number: int, reason: str) -> BadInputError:
    lines = text.split("\n")
    key = _KEY.match(lines[min(line_number, len(lines) - 1)])
    return error_in_line(line_number + _LINES_BEFORE, key[1] if key else "", reason)


def _read_mapping(root: yaml.MappingNode, names: Collection[str]) -> FrontMatter:
    fields: dict[str, str] = {}
    lines: dict[str, int] = {}
    unknown_keys: list[str] = []
    for key_node, value in root.value:
        key = str(key_node.value)[:40] if isinstance(key_node, yaml.ScalarNode) else "?"
        name, line = key.strip().lower(), key_node.start_mark.line + _LINES_BEFORE
        if name not in names:
            unknown_keys.append(key)
        elif name in fields:
            raise error_in_line(line, key, _("this key occurs twice. Remove one of them."))
        elif not isinstance(value, yaml.ScalarNode):
            raise error_in_line(line, key, _("this must be a text, not a list or a mapping."))
        else:
            is_null = value.tag == "tag:yaml.org,2002:null"
            fields[name] = "" if is_null else value.value.strip()
            lines[name] = line
    return FrontMatter(fields, lines, tuple(unknown_keys))
