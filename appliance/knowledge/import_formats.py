"""From the bytes of a file to what its articles say: Markdown with front matter, HTML, CSV."""

import csv
import html
import io
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import nh3
from django.utils.translation import gettext as _
from markdownify import markdownify

from appliance.core.errors import BadInputError
from appliance.knowledge.import_sources import MAX_BYTES, MAX_TABLE_BYTES, Member

MAX_TITLE, MAX_CONTENT, MAX_KEY = 200, 200_000, 200  # characters
MAX_DEPTH = 200  # tags inside tags; what cleans HTML is slow beyond that
MAX_TAGS = 50_000
COLUMNS = ("title", "content", "category", "status", "audience", "key", "review_on", "files")
_HTML = {
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}
# what ends by itself, or where its like begins, makes nothing deeper
_FLAT = {
    "area",
    "base",
    "br",
    "col",
    "dd",
    "dt",
    "embed",
    "hr",
    "img",
    "input",
    "li",
    "link",
    "meta",
    "option",
    "p",
    "param",
    "source",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "track",
    "wbr",
}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_TITLE = re.compile(r"<title[^<>]*>([^<]{1,1000})</title", re.I)
_HEADING = re.compile(r"<h1[^<>]*>(.{1,1000}?)</h1", re.I | re.S)
csv.field_size_limit(4 * MAX_CONTENT)


@dataclass(frozen=True)
class Entry:
    """What one article says in its source. ``fields`` holds what was named besides the text."""

    where: str  # the file, and the row of a table
    key: str
    title: str = ""
    content: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    problem: str = ""  # why it cannot be read; then the rest is empty
    folder: str | None = None  # where in its source a page lies; None for a row of a table


def read(member: Member) -> Iterator[Entry]:
    """The articles of a file, one by one; what cannot be read is told, not raised."""
    table = member.suffix == ".csv"
    try:
        text = decode(member.read(MAX_TABLE_BYTES if table else MAX_BYTES))
        if table:
            yield from _rows(member.name, text)
        else:
            yield _checked(_page(member, text))
    except BadInputError as error:
        yield Entry(member.name, member.name, problem=str(error))


def decode(data: bytes) -> str:
    """UTF-8, or UTF-16 with its mark in front. Lines end in LF."""
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    try:
        text = data.decode(marks.get(data[:2], "utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInputError(
            _("The file is neither UTF-8 nor UTF-16. Save it as UTF-8 and import it again.")
        ) from error
    if "\0" in text:
        raise BadInputError(
            _("The file contains a null byte, so it is not a text file. Choose a text file.")
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """The lines ``name: value`` between two lines of ``---`` in front, and the rest."""
    if not text.startswith("---\n"):
        return {}, text
    head, end, body = text[4:].partition("\n---\n")
    if not end:
        return {}, text
    pairs = (line.split(":", 1) for line in head.splitlines() if ":" in line)
    values = {name.strip().lower(): _unquoted(value.strip()) for name, value in pairs}
    return {name: value for name, value in values.items() if name in COLUMNS}, body


def from_html(text: str) -> str:
    """Markdown of a page. Raises BadInputError when its tags are nested beyond reason."""
    _refuse_deep(text)
    clean = nh3.clean(
        text,
        tags=_HTML,
        clean_content_tags={"script", "style", "title", "head"},
        attributes={"a": {"href"}, "img": {"src", "alt"}},
        link_rel=None,
    )
    return markdownify(clean, heading_style="ATX", bullets="-", escape_misc=False).strip()


def _page(member: Member, text: str) -> Entry:
    if member.suffix in (".html", ".htm"):
        values, body = {}, from_html(text)
        title = _first(_TITLE, text) or _first(_HEADING, text)
    else:
        values, body = front_matter(text)
        title = ""
    body = body.strip()
    title = values.pop("title", "") or title
    heading = re.match(r"#[ \t]+(.{1,300}?)[ \t#]*(?:\n|$)", body)
    if heading and title in ("", heading.group(1).strip()):
        title, body = heading.group(1).strip(), body[heading.end() :].strip()
    title = title or PurePosixPath(member.name).stem.replace("-", " ").replace("_", " ")
    key, folder = values.pop("key", "") or member.name, posixpath.dirname(member.name)
    return Entry(member.name, key, title, body, values, folder=folder)


def _rows(name: str, text: str) -> Iterator[Entry]:
    """One entry a row; the first names the columns, separated by comma, semicolon or tab."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    table = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    names = [item.strip().lower() for item in next(table, [])]
    if not {"title", "content"} <= set(names):
        raise BadInputError(
            _("The first row must contain the column names, including “title” and “content”.")
        )
    while True:
        try:
            row = next(table, None)
        except csv.Error:
            where = f"{name}:{table.line_num}"
            yield Entry(
                where,
                where,
                problem=_(
                    "A quotation mark is not closed, or a cell is too long. Correct the row."
                ),
            )
            return
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield _checked(_of_row(f"{name}:{table.line_num}", names, row))


def _of_row(where: str, names: list[str], row: list[str]) -> Entry:
    if len(row) > len(names):
        return Entry(
            where, where, problem=_("This row has more cells than columns. Correct the row.")
        )
    values = {name: cell.strip() for name, cell in zip(names, row, strict=False) if name in COLUMNS}
    title, content = values.pop("title", ""), values.pop("content", "")
    key = values.pop("key", "") or title
    return Entry(where, key, title, content, {n: value for n, value in values.items() if value})


def _checked(entry: Entry) -> Entry:
    problem = ""
    if not entry.title:
        problem = _("The title is missing.")
    elif not entry.content:
        problem = _("The content is missing.")
    elif len(entry.title) > MAX_TITLE:
        problem = _("The title is longer than %(most)d characters.") % {"most": MAX_TITLE}
    elif len(entry.content) > MAX_CONTENT:
        problem = _("The content is longer than %(most)d characters.") % {"most": MAX_CONTENT}
    return (
        Entry(entry.where, entry.key, entry.title[:MAX_TITLE], problem=problem)
        if problem
        else (entry)
    )


def _refuse_deep(text: str) -> None:
    depth = 0
    for tags, match in enumerate(_TAG.finditer(text)):
        if match.group(2).lower() not in _FLAT:
            depth = max(0, depth - 1) if match.group(1) else depth + 1
        if depth > MAX_DEPTH or tags >= MAX_TAGS:
            raise BadInputError(
                _(
                    "The HTML tags are too many or too deeply nested. Save it as Markdown "
                    "or plain HTML."
                )
            )


def _first(pattern: re.Pattern, text: str) -> str:
    match = pattern.search(text)
    return " ".join(html.unescape(_TAG_WHOLE.sub("", match.group(1))).split()) if match else ""


_TAG_WHOLE = re.compile(r"<[^<>]{0,1000}>")


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
