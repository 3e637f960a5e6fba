"""Convert HTML pages to Markdown: those of wikis, word processors and editors.

A page is a tree of blocks (paragraphs, headings, lists, quotes, code, tables). The text inside a
block is a sequence of runs, each with one style (``import_inline``). No word is lost, and words of
two blocks or of two cells are never joined.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

import nh3
from bs4 import BeautifulSoup, Tag
from bs4.element import PageElement
from django.utils.translation import gettext as _

from appliance.core.errors import BadInputError
from appliance.knowledge import import_confluence
from appliance.knowledge.import_inline import (
    BLOCK_TAGS,
    BOLD,
    LIST_TAGS,
    PLAIN,
    PREFORMATTED_TAGS,
    Style,
    attribute,
    backticks_around,
    code_lines,
    escape_line_starts,
    holds,
    is_web_link,
    read_number,
    read_runs,
    read_words,
    write_runs,
)

MAX_DEPTH = 100  # of nested tags; the functions below call each other at each level
MAX_TAGS = 50_000
MAX_CONTENT = 200_000  # characters of an article
MAX_COLUMNS = 1_000  # of a table
MAX_CELLS = 50_000  # of a table, with the empty ones that stand before the last cell of a row

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BOLD_BLOCKS = {"caption", "dt", "legend", "summary"}
_QUOTE_CLASS = re.compile(r"\b(?:admonition|alert|confluence-information-macro)\b")
_EDIT_LINKS = "mw-editsection"  # of MediaWiki, beside each heading
_DROPPED = {"iframe", "noscript", "script", "style", "template"}
_ATTRIBUTES = {
    *("alt", "checked", "class", "colspan", "data-list", "href", "rowspan", "src", "start"),
    *("title", "type", "value"),
    *import_confluence.ATTRIBUTES,
}
# Void elements, and those that a following one closes: they add no depth.
_NOT_NESTED_TAGS = {
    *("area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta"),
    *("option", "p", "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track"),
    "wbr",
    *("circle", "ellipse", "line", "path", "polygon", "polyline", "rect", "stop", "use"),  # SVG
}
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:.-]{0,60})")


_ITEM_FAMILIES = {"dd": "dl", "dt": "dl", "li": "ul"}
_ITEM_PARENTS = {"dir", "dl", "menu", "ol", "ul"}


class Page(NamedTuple):
    """A page as Markdown; the title is empty if the page has none."""

    title: str
    content: str


class Block(NamedTuple):
    """A Markdown block."""

    text: str
    marker: str = ""  # of a list: two neighbours with the same marker would become one list
    heading: str = ""  # the words of a heading of the first level


class Cell(NamedTuple):
    """A cell of a table, at the first row and column that it covers."""

    row: int
    column: int
    text: str


def read_page(html: str) -> Page:
    """Convert a page. Raises BadInputError if it has too many or too deeply nested tags.

    Without a title of its own, the page has that of its first heading, which is not repeated.
    """
    soup = _parse(html)
    title = _extract_title(soup)
    blocks = _read_blocks(soup)
    title = title or next((block.heading for block in blocks if block.heading), "")
    if blocks and title and blocks[0].heading == title:
        del blocks[0]
    return Page(title, _join(blocks))


def _parse(html: str) -> BeautifulSoup:
    """Return the tree that a browser would make of the page, with the attributes read here.

    nh3 closes the tags that HTML leaves open, which html.parser does not.
    """
    html = import_confluence.prepare(html)
    _check_nesting(html)
    names = {match[2].lower() for match in _TAG.finditer(html)} | {"tbody", "tr"}
    clean = nh3.clean(
        html,
        tags=names - _DROPPED,
        clean_content_tags=_DROPPED,
        attributes={"*": _ATTRIBUTES},
        link_rel=None,
    )
    _check_nesting(clean)
    soup = BeautifulSoup(clean, "html.parser")
    for element in soup.find_all(class_=_EDIT_LINKS):
        element.decompose()
    import_confluence.rewrite(soup)
    return soup


def _check_nesting(html: str) -> None:
    """Refuse a page that would take long to parse, before it is parsed."""
    open_tags: Counter[str] = Counter()
    item_family = ""  # of the last list item that is still open
    for count, match in enumerate(_TAG.finditer(html)):
        is_end, name = bool(match[1]), match[2].lower()
        family = _ITEM_FAMILIES.get(name, "")
        if family:  # an item closes the one before it in its list, but not one of another kind
            is_nested = not is_end and item_family not in ("", family)
            item_family = "" if is_end else family
        else:
            is_nested = name not in _NOT_NESTED_TAGS and not is_end
            item_family = "" if name in _ITEM_PARENTS else item_family
        if is_nested:
            open_tags[name] += 1
        elif is_end and open_tags[name]:
            open_tags[name] -= 1
        if count >= MAX_TAGS or (is_nested and open_tags.total() > MAX_DEPTH):
            raise BadInputError(
                _(
                    "The HTML tags are too many or too deeply nested. Save it as Markdown "
                    "or plain HTML."
                )
            )


def _extract_title(soup: BeautifulSoup) -> str:
    title = soup.find("title")
    if not isinstance(title, Tag) or title.find_parent("svg"):
        return ""
    return read_words(title.extract())


def _join(blocks: Iterable[Block]) -> str:
    return _check_length("\n\n".join(block.text for block in blocks))


def _check_length(text: str) -> str:
    """Refuse a text that is too long, before the elements around it indent its lines."""
    if len(text) > MAX_CONTENT:
        raise too_long()
    return text


def too_long() -> BadInputError:
    return BadInputError(
        _("The content is longer than %(most)d characters.") % {"most": MAX_CONTENT}
    )


def _read_blocks(parent: Tag) -> list[Block]:
    """Return the blocks of an element; the text between its block elements is paragraphs."""
    blocks: list[Block] = []
    for is_block, nodes in groupby(parent.children, _is_block):
        if not is_block:
            blocks += _read_paragraphs(nodes)
            continue
        for element in nodes:
            assert isinstance(element, Tag)
            blocks += _read_element(element, blocks[-1].marker if blocks else "")
    return blocks


def _is_block(node: PageElement) -> bool:
    """Return whether it is a block element, or an inline element around one."""
    if not isinstance(node, Tag):
        return False
    if is_web_link(node):  # around a heading or a paragraph it remains a link
        return holds(node, {*LIST_TAGS, *PREFORMATTED_TAGS, "table"})
    return node.name in BLOCK_TAGS or holds(node, BLOCK_TAGS)


def _read_element(element: Tag, marker_before: str) -> list[Block]:
    name = element.name
    if name in _HEADINGS:
        return _read_heading(element)
    if name in LIST_TAGS:
        return _read_list(element, marker_before)
    if name in PREFORMATTED_TAGS:
        return _read_code(element)
    if name == "table":
        return _read_table(element)
    if name == "hr":
        return [Block("***")]
    if name in ("aside", "blockquote") or _QUOTE_CLASS.search(attribute(element, "class")):
        return _quote(_read_blocks(element))
    if name in _BOLD_BLOCKS and not holds(element, BLOCK_TAGS):
        return _read_paragraphs(element.children, BOLD)
    return _read_blocks(element)


def _read_paragraphs(nodes: Iterable[PageElement], style: Style = PLAIN) -> list[Block]:
    """Return the paragraphs of inline nodes; two line breaks end one."""
    paragraphs = re.split("\n\n+", write_runs(read_runs(nodes, style)))
    return [Block(escape_line_starts(text)) for text in paragraphs if text]


def _read_heading(element: Tag) -> list[Block]:
    text = write_runs(read_runs(element.children)).replace("\n", " ")
    if not text:
        return []
    if text.endswith("#"):  # Markdown would take it for the end of the heading
        text = text[:-1] + r"\#"
    level = _HEADINGS[element.name]
    return [Block(f"{'#' * level} {text}", heading=read_words(element) if level == 1 else "")]


def _read_code(element: Tag) -> list[Block]:
    lines = code_lines(element)
    if not lines:
        return []
    code = "\n".join(lines)
    backticks = backticks_around(code, shortest=3)
    return [Block(f"{backticks}\n{code}\n{backticks}")]


def _quote(blocks: list[Block]) -> list[Block]:
    lines = _join(blocks).split("\n")
    return [Block("\n".join(f"> {line}".rstrip() for line in lines))] if blocks else []


def _read_list(element: Tag, marker_before: str) -> list[Block]:
    is_ordered = element.name == "ol" and attribute(element.li, "data-list") in ("", "ordered")
    markers = ".)" if is_ordered else "-*"
    marker = markers[1] if marker_before == markers[0] else markers[0]
    number = read_number(element, "start", default=1)
    items: list[str] = []
    for item, blocks in _read_items(element):
        number = read_number(item, "value", default=number)
        items.append(_indent(blocks, f"{number}{marker} " if is_ordered else f"{marker} "))
        number += 1
    return [Block("\n".join(items), marker)] if items else []


def _read_items(element: Tag) -> list[tuple[Tag | None, list[Block]]]:
    """Return the items with their blocks. A list directly in a list belongs to the item before."""
    items: list[tuple[Tag | None, list[Block]]] = []
    for child in element.children:
        is_list = isinstance(child, Tag) and child.name in LIST_TAGS
        if not isinstance(child, Tag) or not _is_block(child):
            blocks = _read_paragraphs([child])
        elif is_list:
            blocks = _read_list(child, "")
        else:
            blocks = _read_element(child, "")
        if is_list and items:
            items[-1][1].extend(blocks)
        elif blocks:
            items.append((child if isinstance(child, Tag) else None, blocks))
    return items


def _indent(blocks: list[Block], bullet: str) -> str:
    """Return a list item; a list of bullets in it follows its text without a blank line."""
    text = blocks[0].text
    for before, block in pairwise(blocks):
        is_tight = block.marker in ("-", "*") and (before.marker or before is blocks[0])
        text += f"\n{block.text}" if is_tight else f"\n\n{block.text}"
    first, *others = _check_length(text).split("\n")
    indent = " " * len(bullet)
    return "\n".join([bullet + first, *(f"{indent}{line}".rstrip() for line in others)])


def _read_table(table: Tag) -> list[Block]:
    """Return a table as Markdown; one that only arranges the page gives the blocks of its cells."""
    captions = table.find_all("caption", recursive=False)
    blocks = [block for caption in captions for block in _read_element(caption, "")]
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    cells = [list(row.find_all(["td", "th"], recursive=False)) for row in rows]
    if _is_layout(cells):
        return blocks + [block for row in cells for cell in row for block in _read_blocks(cell)]
    has_header = rows[0].find_parent("thead") is not None or all(
        cell.name == "th" for cell in cells[0]
    )
    return [*blocks, Block(_write_table(list(_place_cells(cells)), has_header))]


def _is_layout(rows: list[list[Tag]]) -> bool:
    """Return whether a table without headers has one column, or holds tables or code."""
    if all(len(row) <= 1 for row in rows):
        return True
    cells = [cell for row in rows for cell in row]
    return all(cell.name == "td" for cell in cells) and any(
        holds(cell, {"table", *PREFORMATTED_TAGS}) for cell in cells
    )


def _place_cells(rows: list[list[Tag]]) -> Iterator[Cell]:
    """Yield the cells with their places; a place that a larger cell covers is left empty."""
    covered_until: dict[int, int] = {}  # by column, the row after the last one covered
    for row_number, row in enumerate(rows):
        column = 0
        for cell in row:
            while covered_until.get(column, 0) > row_number:
                column += 1
            yield Cell(row_number, column, _write_cell(cell))
            end_row = row_number + max(1, read_number(cell, "rowspan", default=1))
            end_column = column + max(1, read_number(cell, "colspan", default=1))
            if end_column > MAX_COLUMNS:
                raise _too_many_cells()
            covered_until.update(dict.fromkeys(range(column, end_column), end_row))
            column = end_column


def _write_cell(cell: Tag) -> str:
    """Return the content of a cell in one line: a Markdown table has no other cells."""
    return " ".join(write_runs(read_runs(cell.children)).split()).replace("|", r"\|")


def _write_table(cells: list[Cell], has_header: bool) -> str:
    """Return the rows of a table, each up to its last cell, without columns that are empty."""
    columns = {column: i for i, column in enumerate(sorted({cell.column for cell in cells}))}
    widths = Counter[int]()
    for cell in cells:
        widths[cell.row] = max(widths[cell.row], columns[cell.column] + 1)
    if widths.total() > MAX_CELLS:
        raise _too_many_cells()
    rows = {row: [""] * width for row, width in sorted(widths.items())}
    for cell in cells:
        rows[cell.row][columns[cell.column]] = cell.text
    header = rows.pop(0) if has_header and 0 in rows else []
    header += [""] * (len(columns) - len(header))
    lines = [header, ["---"] * len(columns), *rows.values()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _too_many_cells() -> BadInputError:
    return BadInputError(_("A table has too many cells. Split it into several tables."))
