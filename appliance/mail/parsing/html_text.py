"""The HTML of an e-mail: made safe to show, and turned into readable text."""

import html
import re
from collections import Counter
from dataclasses import dataclass, field

import nh3

from appliance.mail.parsing.limits import (
    MAX_HTML_DEPTH,
    MAX_HTML_FORMATTING_DEPTH,
    MAX_HTML_SIGNS,
    MAX_HTML_TAGS,
    MAX_TEXT_BYTES,
)

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "caption", "center", "dd", "div"),
        *("dl", "dt", "fieldset", "figure", "footer", "h1", "h2", "h3", "h4", "h5"),
        *("h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table"),
        *("tbody", "tfoot", "thead", "tr", "ul"),
    }
)
_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "big", "br", "cite", "code", "col", "colgroup"),
        *("del", "em", "font", "i", "img", "ins", "kbd", "mark", "q", "s", "samp", "small"),
        *("span", "strike", "strong", "sub", "sup", "td", "th", "tt", "u", "wbr"),
    }
)
_TAGS = _BLOCKS | _INLINE
_DROPPED = frozenset(
    {
        *("head", "iframe", "math", "noscript", "object", "script", "select", "style", "svg"),
        *("template", "title"),
    }
)
_SIZES = {"width", "height"}
_ATTRIBUTES = {
    "*": {"align", "dir", "lang", "style", "title", "valign"},
    "a": {"href"},
    "blockquote": {"type"},
    "col": {"span", *_SIZES},
    "font": {"color", "face", "size"},
    "img": {"alt", "src", *_SIZES},
    "li": {"value"},
    "ol": {"start", "type"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", *_SIZES},
    "td": {"bgcolor", "colspan", "rowspan", *_SIZES},
    "th": {"bgcolor", "colspan", "rowspan", *_SIZES},
    "tr": {"bgcolor"},
}
# None of these can hold an address of another server or lay something over the page.
_STYLES = {
    *("background-color", "border-collapse", "border-spacing", "color", "direction"),
    *("font-family", "font-size", "font-style", "font-variant", "font-weight"),
    *("letter-spacing", "line-height", "padding-left", "text-align", "text-decoration"),
    *("text-indent", "text-transform", "vertical-align", "white-space", "word-break"),
    *(f"border-{part}" for part in ("bottom", "color", "left", "right", "style", "top", "width")),
    "border",
}
_LINK_SCHEMES = {"http", "https", "mailto", "tel", "cid"}
_LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
_CONTENT_ID = re.compile(r"cid:([^\s\"'<>]{1,200})", re.IGNORECASE)

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
# Void elements, and those that a following one closes: they add no depth of their own.
_NOT_NESTED = frozenset(
    {
        *("area", "base", "br", "col", "dd", "dt", "hr", "img", "input", "li", "link"),
        *("meta", "option", "p", "param", "source", "track", "wbr"),
    }
)
_FORMATTING = frozenset(
    {
        *("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike"),
        *("strong", "tt", "u"),
    }
)

_CLEAN_TAG = re.compile(r'<(/?)([a-z0-9]+)((?:[^"<>]|"[^"]*")*+)>')
_HREF = re.compile(r'\bhref="([^"]*)"')
_ALT = re.compile(r'\balt="([^"]*)"')
_RAW_TAG = re.compile(r"<[^<>]*>?")
_HIDDEN_START = re.compile(r"<(script|style|head|title)\b", re.IGNORECASE)


@dataclass(frozen=True)
class CleanHtml:
    """Safe HTML, its text, and how many pictures of other servers were taken out."""

    html: str = ""
    text: str = ""
    remote_pictures: int = 0
    is_too_complex: bool = False


def read(source: str) -> CleanHtml:
    """Return safe HTML without anything of another server; ``cid:`` pictures stay.

    HTML that would take long to parse gives its text only.
    """
    if len(source) > MAX_TEXT_BYTES or _is_too_complex(source):
        return CleanHtml(text=_strip_tags(source), is_too_complex=True)
    filter_ = _Filter()
    clean = nh3.clean(
        source,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED),
        attributes=_ATTRIBUTES,
        attribute_filter=filter_,
        url_schemes=_LINK_SCHEMES,
        url_relative="deny",
        filter_style_properties=_STYLES,
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return CleanHtml(clean, to_text(clean), filter_.remote_pictures)


class _Filter:
    """Decides on single attributes; counts pictures of other servers."""

    def __init__(self) -> None:
        self.remote_pictures = 0

    def __call__(self, tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            if _CONTENT_ID.fullmatch(value.strip()):
                return value.strip()
            self.remote_pictures += 1
            return None
        if attribute == "href":
            return value if _LINK.match(value.strip()) else None
        if attribute == "style":
            return None if "\\" in value or "(" in value.replace("rgb(", "") else value
        return value


def replace_content_ids(clean: str, urls: dict[str, str]) -> str:
    """Return clean HTML with other URLs for the pictures it names by Content-ID.

    A picture that ``urls`` does not have is left out.
    """

    def replace(match: re.Match[str]) -> str:
        url = urls.get(html.unescape(match[1]))
        return f'src="{html.escape(url)}"' if url else ""

    return re.sub(r'\bsrc="cid:([^"]*)"', replace, clean, flags=re.IGNORECASE)


def content_ids(clean: str) -> set[str]:
    """Return the Content-IDs of the pictures that clean HTML shows."""
    return {html.unescape(match) for match in re.findall(r'\bsrc="cid:([^"]*)"', clean, re.I)}


def _is_too_complex(source: str) -> bool:
    """Return whether a parser would take long: many, deeply nested or never closed tags."""
    if source.count("&") + source.count("<") > MAX_HTML_SIGNS:
        return True
    open_tags: Counter[str] = Counter()
    depth = formatting = 0
    for count, match in enumerate(_TAG.finditer(source)):
        name = match[2].lower()
        if count >= MAX_HTML_TAGS:
            return True
        if name in _NOT_NESTED:
            continue
        step = 1 if not match[1] else -1 if open_tags[name] else 0
        open_tags[name] += step
        depth += step
        formatting += step if name in _FORMATTING else 0
        if depth > MAX_HTML_DEPTH or formatting > MAX_HTML_FORMATTING_DEPTH:
            return True
    return False


def _strip_tags(source: str) -> str:
    """Return the text between the tags of any HTML, in linear time."""
    parts, position = [], 0
    while match := _HIDDEN_START.search(source, position):
        parts.append(source[position : match.start()])
        end = re.compile(f"</{match[1]}", re.IGNORECASE).search(source, match.end())
        position = end.start() if end else len(source)
    parts.append(source[position:])
    text = html.unescape(_RAW_TAG.sub(" ", "".join(parts)))
    return _tidy(re.sub(r"[ \t]+", " ", text))


@dataclass
class _Writer:
    """Collects text with its line breaks; quotations are marked with ``>``."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    quote_depth: int = 0
    preformatted: int = 0
    bullet: str = ""
    link: str = ""
    link_start: int = 0

    def add(self, text: str) -> None:
        if self.preformatted:
            first, *others = text.split("\n")
            self.line.append(first)
            for other in others:
                self.end_line(always=True)
                self.line.append(other)
            return
        self.line.append(re.sub(r"[ \t\r\n\f]+", " ", text))

    def end_line(self, *, always: bool = False) -> None:
        text = "".join(self.line)
        text = text.rstrip() if self.preformatted else text.strip()
        self.line = []
        if text or always:
            self.lines.append(f"{'> ' * self.quote_depth}{self.bullet}{text}".rstrip())
            self.bullet = ""

    def blank_line(self) -> None:
        self.end_line()
        mark = ("> " * self.quote_depth).rstrip()
        if self.lines and self.lines[-1] not in ("", mark):
            self.lines.append(mark)


def to_text(clean: str) -> str:
    """Return the text of HTML that ``nh3`` has cleaned, with the addresses of its links."""
    writer, position = _Writer(), 0
    for match in _CLEAN_TAG.finditer(clean):
        writer.add(html.unescape(clean[position : match.start()]))
        position = match.end()
        _write_tag(writer, match[2], match[3], is_end=bool(match[1]))
    writer.add(html.unescape(clean[position:]))
    writer.end_line()
    return _tidy("\n".join(writer.lines))


def _write_tag(writer: _Writer, name: str, attributes: str, *, is_end: bool) -> None:
    if name == "br":
        writer.end_line(always=True)
    elif name == "img":
        alt = _ALT.search(attributes)
        writer.add(f"[{html.unescape(alt[1])}]" if alt and alt[1].strip() else "")
    elif name == "a":
        _write_link(writer, attributes, is_end=is_end)
    elif name in ("td", "th"):
        writer.add("\t" if is_end and writer.preformatted else " " if is_end else "")
    elif name == "blockquote":
        writer.blank_line()
        writer.quote_depth = max(0, min(20, writer.quote_depth + (-1 if is_end else 1)))
    elif name == "pre":
        writer.blank_line()
        writer.preformatted = max(0, writer.preformatted + (-1 if is_end else 1))
    elif name == "li":
        writer.end_line()
        writer.bullet = "" if is_end else "- "
    elif name == "hr":
        writer.blank_line()
        writer.lines.append("-" * 20)
    elif name in ("p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"):
        writer.blank_line()
    elif name in _BLOCKS:
        writer.end_line()


def _write_link(writer: _Writer, attributes: str, *, is_end: bool) -> None:
    """Put the address of a link behind its words, unless they are the address."""
    if not is_end:
        match = _HREF.search(attributes)
        writer.link = html.unescape(match[1]) if match else ""
        writer.link_start = len(writer.line)
        return
    words = "".join(writer.line[writer.link_start :]).strip()
    target = re.sub(r"^mailto:|^tel:", "", writer.link, flags=re.IGNORECASE)
    is_shown = words.rstrip("/").lower().removeprefix("www.") in (
        target.rstrip("/").lower(),
        re.sub(r"^https?://(www\.)?", "", target.rstrip("/").lower()),
    )
    if writer.link and not is_shown:
        writer.add(f" <{target}>" if words else f"<{target}>")
    writer.link = ""


def _tidy(text: str) -> str:
    text = text.replace("\xa0", " ").replace("\u200b", "")
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def from_text(text: str) -> str:
    """Return plain text as HTML that keeps its lines."""
    lines = html.escape(text.strip("\n")).split("\n")
    return f"<div>{'<br>'.join(lines)}</div>" if text.strip() else ""
