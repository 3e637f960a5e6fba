"""Parse imported files into articles: Markdown with front matter, HTML, CSV."""

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
MAX_DEPTH = 200  # of nested tags; the sanitiser is slow beyond that
MAX_TAGS = 50_000
COLUMNS = ("title", "content", "category", "status", "audience", "key", "review_on", "files")
_ALLOWED_TAGS = {
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
# Void elements, and those that a following one closes: they add no depth.
_NOT_NESTED_TAGS = {
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
_WHOLE_TAG = re.compile(r"<[^<>]{0,1000}>")
_TITLE = re.compile(r"<title[^<>]*>([^<]{1,1000})</title", re.I)
_HEADING = re.compile(r"<h1[^<>]*>(.{1,1000}?)</h1", re.I | re.S)
csv.field_size_limit(4 * MAX_CONTENT)


@dataclass(frozen=True)
class Entry:
    """One article of an import source."""

    location: str  # the file, and the row of a table
    key: str
    title: str = ""
    content: str = ""
    fields: dict[str, str] = field(default_factory=dict)  # the other columns, by their name
    problem: str = ""  # why it cannot be read; then the rest is empty
    folder: str | None = None  # of a page within its source; None for a row of a table


def read_entries(member: Member) -> Iterator[Entry]:
    """Yield the articles of a file; one that cannot be read has a ``problem``."""
    is_table = member.suffix == ".csv"
    try:
        text = decode(member.read(MAX_TABLE_BYTES if is_table else MAX_BYTES))
        if is_table:
            yield from _table_entries(member.name, text)
        else:
            yield _validate(_page_entry(member, text))
    except BadInputError as error:
        yield Entry(member.name, member.name, problem=str(error))


def decode(data: bytes) -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark, and convert line ends to LF."""
    encodings = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    try:
        text = data.decode(encodings.get(data[:2], "utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInputError(
            _("The file is neither UTF-8 nor UTF-16. Save it as UTF-8 and import it again.")
        ) from error
    if "\0" in text:
        raise BadInputError(
            _("The file contains a null byte, so it is not a text file. Choose a text file.")
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """Return the known fields of the front matter, lines ``name: value`` between ``---``, and the
    text after it.
    """
    if not text.startswith("---\n"):
        return {}, text
    head, end, body = text[4:].partition("\n---\n")
    if not end:
        return {}, text
    pairs = (line.split(":", 1) for line in head.splitlines() if ":" in line)
    fields = {name.strip().lower(): _unquote(value.strip()) for name, value in pairs}
    return {name: value for name, value in fields.items() if name in COLUMNS}, body


def html_to_markdown(text: str) -> str:
    """Convert a page to Markdown. Raises BadInputError if its tags are nested too deeply."""
    _check_nesting(text)
    clean = nh3.clean(
        text,
        tags=_ALLOWED_TAGS,
        clean_content_tags={"script", "style", "title", "head"},
        attributes={"a": {"href"}, "img": {"src", "alt"}},
        link_rel=None,
    )
    return markdownify(clean, heading_style="ATX", bullets="-", escape_misc=False).strip()


def _page_entry(member: Member, text: str) -> Entry:
    fields: dict[str, str] = {}
    if member.suffix in (".html", ".htm"):
        body = html_to_markdown(text)
        title = _find_text(_TITLE, text) or _find_text(_HEADING, text)
    else:
        fields, body = split_front_matter(text)
        title = ""
    body = body.strip()
    title = fields.pop("title", "") or title
    heading = re.match(r"#[ \t]+(.{1,300}?)[ \t#]*(?:\n|$)", body)
    if heading and title in ("", heading.group(1).strip()):
        title, body = heading.group(1).strip(), body[heading.end() :].strip()
    title = title or PurePosixPath(member.name).stem.replace("-", " ").replace("_", " ")
    key, folder = fields.pop("key", "") or member.name, posixpath.dirname(member.name)
    return Entry(member.name, key, title, body, fields, folder=folder)


def _table_entries(name: str, text: str) -> Iterator[Entry]:
    """Yield one entry for each row; the first row has the column names.

    Columns are separated by commas, semicolons or tabs.
    """
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    table = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    columns = [column.strip().lower() for column in next(table, [])]
    if not {"title", "content"} <= set(columns):
        raise BadInputError(
            _("The first row must contain the column names, including “title” and “content”.")
        )
    while True:
        try:
            row = next(table, None)
        except csv.Error:
            location = f"{name}:{table.line_num}"
            yield Entry(
                location,
                location,
                problem=_(
                    "A quotation mark is not closed, or a cell is too long. Correct the row."
                ),
            )
            return
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield _validate(_row_entry(f"{name}:{table.line_num}", columns, row))


def _row_entry(location: str, columns: list[str], row: list[str]) -> Entry:
    if len(row) > len(columns):
        problem = _("This row has more cells than columns. Correct the row.")
        return Entry(location, location, problem=problem)
    cells = zip(columns, row, strict=False)
    fields = {column: cell.strip() for column, cell in cells if column in COLUMNS}
    title, content = fields.pop("title", ""), fields.pop("content", "")
    key = fields.pop("key", "") or title
    fields = {column: value for column, value in fields.items() if value}
    return Entry(location, key, title, content, fields)


def _validate(entry: Entry) -> Entry:
    """Return the entry, or one with only the problem if title or content is unsuitable."""
    problem = ""
    if not entry.title:
        problem = _("The title is missing.")
    elif not entry.content:
        problem = _("The content is missing.")
    elif len(entry.title) > MAX_TITLE:
        problem = _("The title is longer than %(most)d characters.") % {"most": MAX_TITLE}
    elif len(entry.content) > MAX_CONTENT:
        problem = _("The content is longer than %(most)d characters.") % {"most": MAX_CONTENT}
    if not problem:
        return entry
    return Entry(entry.location, entry.key, entry.title[:MAX_TITLE], problem=problem)


def _check_nesting(text: str) -> None:
    depth = 0
    for tags, match in enumerate(_TAG.finditer(text)):
        if match.group(2).lower() not in _NOT_NESTED_TAGS:
            depth = max(0, depth - 1) if match.group(1) else depth + 1
        if depth > MAX_DEPTH or tags >= MAX_TAGS:
            raise BadInputError(
                _(
                    "The HTML tags are too many or too deeply nested. Save it as Markdown "
                    "or plain HTML."
                )
            )


def _find_text(pattern: re.Pattern[str], page: str) -> str:
    """Return the text of the element that the pattern matches, without tags."""
    match = pattern.search(page)
    return " ".join(html.unescape(_WHOLE_TAG.sub("", match.group(1))).split()) if match else ""


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
