"""The text inside the blocks of an HTML page: runs of one style each, and how Markdown has them."""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from bs4 import NavigableString, Tag
from bs4.element import PageElement, PreformattedString

MAX_NUMBER = 999_999_999  # the largest number of a list item in CommonMark
MAX_FOOTNOTE = 4  # characters of the number of one

LIST_TAGS = {"dir", "menu", "ol", "ul"}
PREFORMATTED_TAGS = {"listing", "pre"}
BLOCK_TAGS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details"),
    *("dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1"),
    *("h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main"),
    *("nav", "optgroup", "option", "p", "search", "section", "summary", "table", "tbody", "td"),
    *("tfoot", "th", "thead", "tr"),
    *LIST_TAGS,
    *PREFORMATTED_TAGS,
}
# Inline elements that a browser draws as boxes of their own.
_BOX_TAGS = {"audio", "button", "label", "object", "output", "select", "svg", "textarea", "video"}
_CODE_TAGS = {"code", "kbd", "samp", "tt"}
_MARKS = {"b": "**", "del": "~~", "em": "*", "i": "*", "s": "~~", "strike": "~~", "strong": "**"}
_LINK = re.compile(r"(?:https?://|mailto:|tel:)[^\s<>]+\Z", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\ufeff]")  # soft hyphens and byte order marks
_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
# What Markdown would take for a mark. An underscore between letters is none.
_SPECIAL = re.compile(
    r"[`*\[\]]|\\(?=[!-/:-@\[-`{-~]|\Z)|(?<![^\W_])_|_(?![^\W_])|~(?=[~]|\Z)|(?<=~)~|\A~"
    r"|<(?=[a-zA-Z/!?])|&(?=#?\w{1,32};)"
)
_SPECIAL_LINE_START = re.compile(
    r"^(\d{1,9}(?=[.)](?: |$))|(?=#{1,6}(?: |$)|[-+](?: |$)|>|=+ *$|[-:|][-:| ]*$))",
    re.MULTILINE,
)
_EDGES = re.compile(r"([\W_]*)(.*?)([\W_]*)", re.DOTALL)


class Style(NamedTuple):
    """How a run is written."""

    marks: tuple[str, ...] = ()
    is_code: bool = False
    href: str = ""


class Run(NamedTuple):
    """A piece of text in one style."""

    text: str
    style: Style
    is_markdown: bool = False  # to be written as it is


PLAIN, BOLD = Style(), Style(("**",))
BLANK, LINE_BREAK = Run(" ", PLAIN), Run("\n", PLAIN, is_markdown=True)


def attribute(element: Tag | None, name: str) -> str:
    value = element.get(name, "") if element else ""
    return value if isinstance(value, str) else " ".join(value or ())


def read_number(element: Tag | None, name: str, *, default: int) -> int:
    text = attribute(element, name)
    return min(int(text), MAX_NUMBER) if re.fullmatch("[0-9]{1,12}", text) else default


def is_web_link(element: Tag) -> bool:
    return element.name == "a" and bool(_LINK.match(attribute(element, "href").strip()))


def holds(element: Tag, names: Collection[str]) -> bool:
    """Return whether there is an element of one of these names in it."""
    return any(isinstance(node, Tag) and node.name in names for node in element.descendants)


def read_words(element: Tag) -> str:
    """Return the text of an element in one line, without images."""
    runs = read_runs(element.children)
    return " ".join("".join(run.text for run in runs if not run.is_markdown).split())


def code_lines(element: Tag) -> list[str]:
    """Return the lines of preformatted text, without empty ones around them."""
    for line_break in element.find_all("br"):
        line_break.replace_with("\n")
    lines = element.get_text().replace("\u00a0", " ").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        del lines[0]
    return [line.rstrip() for line in lines]


def backticks_around(code: str, *, shortest: int) -> str:
    """Return more backticks than the code has in a row."""
    return "`" * max(shortest, max(map(len, re.findall("`+", code)), default=0) + 1)


def read_runs(nodes: Iterable[PageElement], style: Style = PLAIN) -> Iterator[Run]:
    """Yield the runs of inline nodes. Blocks among them, as in a cell, are set apart by blanks."""
    for node in nodes:
        if isinstance(node, Tag):
            yield from _read_element(node, style)
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            text = re.sub(r"\s+", " ", _INVISIBLE.sub("", node))
            if text:
                yield Run(text, style)


def _read_element(element: Tag, style: Style) -> Iterator[Run]:
    name = element.name
    if name == "br":
        yield LINE_BREAK
    elif name == "img":
        yield from (BLANK, _read_image(element, style), BLANK)
    elif name == "input":
        if attribute(element, "type") == "checkbox":
            yield Run("[x] " if element.has_attr("checked") else "[ ] ", style)
    elif name in PREFORMATTED_TAGS:
        for line in code_lines(element):
            yield from (BLANK, Run(line, style._replace(is_code=True)), BLANK)
    elif name == "a" and attribute(element, "href").startswith("#"):
        yield from _read_footnote(element, style)
    elif name == "sup":
        yield from _read_superscript(element, style)
    elif name in BLOCK_TAGS or name in _BOX_TAGS:
        yield Run(" • " if name == "li" else " ", PLAIN)
        yield from read_runs(element.children, style)
        yield BLANK
    else:
        yield from read_runs(element.children, _style_of(element, style))


def _style_of(element: Tag, style: Style) -> Style:
    """Return the style inside the element."""
    if element.name in _CODE_TAGS:
        return style._replace(is_code=True)
    if is_web_link(element):
        return style._replace(href=attribute(element, "href").strip())
    mark = _MARKS.get(element.name, "")
    if mark and mark not in style.marks:
        return style._replace(marks=(*style.marks, mark))
    return style


def _read_image(element: Tag, style: Style) -> Run:
    """Return an image that may be a file of the import; of another one its description."""
    words = attribute(element, "alt").strip() or attribute(element, "title").strip()
    words = re.sub(r"\s+", " ", words)
    source = attribute(element, "src").strip().replace("\\", "/")
    if not source or re.match(r"[a-zA-Z][\w+.-]*:|/|#", source):
        return Run(words, style)
    for character in " ()<>\t\n":
        source = source.replace(character, f"%{ord(character):02X}")
    description = words[:200].translate(str.maketrans("[]\\", "()/"))
    return Run(f"![{_escape(description)}]({source})", PLAIN._replace(href=style.href), True)


def _read_footnote(element: Tag, style: Style) -> Iterator[Run]:
    """Keep the number of a footnote apart from the words beside it; other links lead nowhere."""
    words = element.get_text().strip()
    if len(words) > MAX_FOOTNOTE or not words.isalnum():
        yield from read_runs(element.children, style)
        return
    yield Run(f"[{words}]", style)
    following = element.next_sibling
    if isinstance(following, NavigableString) and following[:1].isalnum():
        yield BLANK


def _read_superscript(element: Tag, style: Style) -> Iterator[Run]:
    """Keep a power apart from its base."""
    words = read_words(element)
    if re.fullmatch("[-+0-9]+", words) and not holds(element, {"a"}):
        yield Run(words.translate(_SUPERSCRIPTS), style)
    else:
        yield from read_runs(element.children, style)


def write_runs(runs: Iterable[Run]) -> str:
    """Return the runs of a block as Markdown. A line break shows as one: see ``core.markdown``."""
    text = ""
    for href, group in groupby(_merge(runs), lambda run: run.style.href):
        words = _write_styled(group)
        if href and words.strip():
            text = _write_before_link(text) + _write_link(words, href)
        else:
            text += words
    return re.sub(" *\n *", "\n", re.sub(" {2,}", " ", text)).strip()


def escape_line_starts(text: str) -> str:
    """Escape what would make a line of a paragraph a heading, a list item, a quote or a rule."""
    return _SPECIAL_LINE_START.sub(lambda match: f"{match[1] or ''}\\", text)


def _merge(runs: Iterable[Run]) -> Iterator[Run]:
    """Join neighbouring runs of one style: editors split words into several elements."""
    for (style, is_markdown), group in groupby(runs, lambda run: (run.style, run.is_markdown)):
        yield Run("".join(run.text for run in group), style, is_markdown)


def _write_styled(runs: Iterable[Run]) -> str:
    text = ""
    for run in runs:
        if run.is_markdown:
            text += run.text
        elif run.style.is_code:
            text += _write_code(run.text)
        elif run.style.marks and not text.endswith(("*", "~")):
            text += _write_marked(run)
        else:
            text += _escape(run.text)
    return text


def _write_marked(run: Run) -> str:
    """Put the marks directly around letters: elsewhere Markdown may not take them for marks."""
    before, core, after = _EDGES.fullmatch(run.text).groups()  # type: ignore[union-attr]
    if not core:
        return _escape(run.text)
    marks = "".join(mark for mark in run.style.marks if mark != "~~") or "~~"
    return f"{_escape(before)}{marks}{_escape(core)}{marks}{_escape(after)}"


def _write_code(text: str) -> str:
    code = text.strip()
    if not code:
        return text
    backticks = backticks_around(code, shortest=1)
    padding = " " if "`" in (code[0], code[-1]) else ""
    before, after = (" " if edge == " " else "" for edge in (text[0], text[-1]))
    return f"{before}{backticks}{padding}{code}{padding}{backticks}{after}"


def _write_before_link(text: str) -> str:
    """Keep an exclamation mark before a link from making it an image."""
    return text[:-1] + r"\!" if text.endswith("!") else text


def _write_link(words: str, href: str) -> str:
    for character in "()\\":
        href = href.replace(character, f"%{ord(character):02X}")
    before, after = (" " if edge == " " else "" for edge in (words[0], words[-1]))
    return f"{before}[{' '.join(words.split())}]({href}){after}"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
