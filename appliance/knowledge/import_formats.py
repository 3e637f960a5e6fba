"""Parse imported files into articles: Markdown with front matter, HTML, CSV."""

import codecs
import csv
import io
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from appliance.core.clean_text import clean_line, clean_text
from appliance.core.errors import BadInputError
from appliance.knowledge import front_matter
from appliance.knowledge.import_html import MAX_CONTENT, read_page, too_long
from appliance.knowledge.import_sources import MAX_BYTES, MAX_TABLE_BYTES, Member

MAX_TITLE, MAX_KEY = 200, 200  # characters
COLUMNS = (
    *("title", "content", "category", "status", "audience", "key", "review_on", "files"),
    *("language", "translation_of"),
)
DELIMITERS = ",;\t|"
_DECLARED_ENCODING = re.compile(rb"<meta[^<>]{0,200}\bcharset\s*=\s*[\"']?([\w:.-]{1,40})", re.I)
_KNOWN_ENCODINGS = re.compile(
    r"cp\d{3,4}|iso8859-\d+|koi8-[ru]|mac-roman|shift_jis|euc_\w+|gbk?\d*|gb18030|big5\w*|cp932"
)
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?[ \t,;]*\n', re.IGNORECASE)
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
    lines: dict[str, int] = field(default_factory=dict)  # of a page, that each field stands in
    unknown_names: tuple[str, ...] = ()  # keys or columns that were not read


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
    """Decode UTF-8 or UTF-16, else what an HTML page declares, and convert line ends to LF."""
    encoding = _find_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        text = _decode_as_declared(data, error)
    if "\0" in text:
        raise BadInputError(
            _("Line %(line)d contains a null byte, so this is not a text file. Choose a text file.")
            % {"line": text.count("\n", 0, text.index("\0")) + 1}
        )
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _find_encoding(data: bytes) -> str:
    """Return UTF-16 for its byte order mark, or if every other byte of the start is zero."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = data[:8]
    if len(start) == 8 and start[1::2] == bytes(4) and all(start[::2]):
        return "utf-16-le"
    if len(start) == 8 and start[::2] == bytes(4) and all(start[1::2]):
        return "utf-16-be"
    return "utf-8"


def _decode_as_declared(data: bytes, error: UnicodeDecodeError) -> str:
    """Decode a page in the encoding of its ``<meta charset>``, as word processors write it."""
    declared = _DECLARED_ENCODING.search(data[:4096])
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name if declared else ""
        if _KNOWN_ENCODINGS.fullmatch(name):
            # Browsers read ISO 8859-1 as the Windows code page, which has more characters.
            return data.decode("cp1252" if name == "iso8859-1" else name)
    except (LookupError, UnicodeError):
        pass
    raise BadInputError(
        _(
            "The file is neither UTF-8 nor UTF-16: see line %(line)d. Save it as UTF-8 "
            "and import it again."
        )
        % {"line": data.count(b"\n", 0, error.start) + 1}
    ) from error


def _page_entry(member: Member, text: str) -> Entry:
    head = front_matter.FrontMatter()
    if member.suffix in (".html", ".htm"):
        title, body = read_page(text)
    else:
        head, body = front_matter.split(text, COLUMNS)
        body = body.strip()
        title = head.fields.get("title", "")
        heading = re.match(r"#[ \t]+(.{1,300}?)[ \t#]*(?:\n|$)", body)
        if heading and title in ("", heading.group(1).strip()):
            title, body = heading.group(1).strip(), body[heading.end() :].strip()
    title = title or PurePosixPath(member.name).stem.replace("-", " ").replace("_", " ")
    return Entry(
        member.name,
        head.fields.get("key", "") or member.name,
        " ".join(clean_line(title).split()),
        clean_text(body),
        {name: value for name, value in head.fields.items() if name not in ("title", "key")},
        folder=posixpath.dirname(member.name),
        lines=head.lines,
        unknown_names=head.unknown_keys,
    )


def _table_entries(name: str, text: str) -> Iterator[Entry]:
    """Yield one entry for each row; the first row has the column names.

    Rows are counted as spreadsheets do: with blank ones, without the line ``sep=;`` of Excel.
    """
    separator = _SEPARATOR_LINE.match(text)
    text = text[separator.end() :] if separator else text
    columns, delimiter = _read_header(text, separator[1] if separator else DELIMITERS)
    table = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    unknown_names = tuple(column for column in columns if column and column not in COLUMNS)
    row_number = 0
    while True:
        row_number += 1
        location = f"{name}:{row_number}"
        try:
            row = next(table, None)
        except csv.Error as error:
            yield Entry(location, location, problem=_describe(error))
            return
        if row is None:
            break
        if row_number > 1 and any(cell.strip() for cell in row):
            yield _validate(_row_entry(location, columns, row, unknown_names))
            unknown_names = ()
    if row_number == 2:
        yield Entry(name, name, problem=_("The table has no rows below the column names."))


def _read_header(text: str, delimiters: str) -> tuple[list[str], str]:
    """Return the column names in lower case, and the delimiter by which the needed ones show."""
    for delimiter in delimiters:
        try:
            row = next(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        columns = [column.strip().lower() for column in row]
        if {"title", "content"} <= set(columns):
            break
    else:
        raise BadInputError(
            _("The first row must contain the column names, including “title” and “content”.")
        )
    for column in COLUMNS:
        if columns.count(column) > 1:
            raise BadInputError(
                _("The first row contains the column “%(name)s” twice. Remove one of them.")
                % {"name": column}
            )
    return columns, delimiter


def _describe(error: csv.Error) -> str:
    if "field larger" in str(error):
        problem = _("A cell of this row is longer than %(most)d characters.") % {
            "most": csv.field_size_limit()
        }
    elif "unexpected end" in str(error):
        problem = _("A quotation mark in this row is not closed.")
    else:
        problem = _("A quotation mark in this row is neither doubled nor at the end of its cell.")
    return " ".join([problem, _("Correct the row; the rows after it were not read.")])


def _row_entry(
    location: str, columns: list[str], row: list[str], unknown_names: tuple[str, ...]
) -> Entry:
    cells = [cell.strip() for cell in row]
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    fields = {column: cell for column, cell in zip(columns, cells, strict=False) if cell}
    title = " ".join(clean_line(fields.pop("title", "")).split())
    content = clean_text(fields.pop("content", ""))
    is_cut = len(cells) < len(columns) and not (title and content)
    if len(cells) > len(columns) or is_cut:
        problem = ngettext(
            "This row has %(cells)d cell, but there are %(columns)d columns. Put cells that "
            "contain the delimiter or a line break in quotation marks.",
            "This row has %(cells)d cells, but there are %(columns)d columns. Put cells that "
            "contain the delimiter or a line break in quotation marks.",
            len(cells),
        ) % {"cells": len(cells), "columns": len(columns)}
        return Entry(location, location, title[:MAX_TITLE], problem=problem)
    return Entry(
        location,
        fields.pop("key", "") or title,
        title,
        content,
        {column: cell for column, cell in fields.items() if column in COLUMNS},
        unknown_names=unknown_names,
    )


def _validate(entry: Entry) -> Entry:
    """Return the entry, or one with only the problem if title or content is unsuitable."""
    problem = entry.problem
    if problem:
        return entry
    if not entry.title:
        problem = _("The title is missing.")
    elif not entry.content:
        problem = _("The content is missing.")
    elif len(entry.title) > MAX_TITLE:
        problem = _("The title is longer than %(most)d characters.") % {"most": MAX_TITLE}
    elif len(entry.content) > MAX_CONTENT:
        problem = str(too_long())
    if not problem:
        return entry
    return Entry(entry.location, entry.key, entry.title[:MAX_TITLE], problem=problem)
