"""Markdown to safe HTML and to plain text, for articles and for what agents write."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape as escape_html
from urllib.parse import unquote

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from appliance.core import plain_text
from appliance.core.clean_text import remove_controls

# html=False: raw tags are shown as text. nh3 sanitises the output a second time.
_markdown = (
    MarkdownIt("commonmark", {"html": False, "breaks": True})
    .enable(["table", "strikethrough"])
    .disable(["image", "lheading"])  # a line of hyphens is a rule: people put it over signatures
)
_markdown_with_images = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)
# each block takes its own direction from its text
_BLOCK_TAGS = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "blockquote", "ul", "ol", "li", "td", "th"}
_TAGS = _BLOCK_TAGS | {
    "a",
    "br",
    "code",
    "del",
    "em",
    "hr",
    "pre",
    "s",
    "strong",
    "table",
    "tbody",
    "thead",
    "tr",
}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_DIRECTIONS = {tag: {"dir": "auto"} for tag in _BLOCK_TAGS}
_SCHEMES = {"http", "https", "mailto", "tel"}
# A text beyond these limits is shown as typed: rendering takes up to 7 µs a character, and of
# table cells, which the shortest text can demand by the thousand, 13 µs each. Lists, the dearest
# lines, take 20 µs a line.
MAX_MESSAGE_CHARACTERS, MAX_MESSAGE_SIGNS = 20_000, 2_000
MAX_ARTICLE_CHARACTERS, CHARACTERS_PER_SIGN = 200_000, 10
CHARACTERS_PER_LINE = 20  # a text of shorter lines than this counts as longer
MAX_TABLE_CELLS = 3_000
MAX_CACHED_TEXTS, MAX_CACHED_ARTICLES = 1_000, 100  # rendered texts this process caches
_SIGNS = re.compile(r"[][*_~`<&]")
_TABLE_RULE = re.compile(r"[-:|> \t]*-[-:|> \t]*")


def render(text: str) -> SafeString:
    """Return HTML of ``text``: a closed list of tags, no images, links of four schemes.

    A text beyond the limits of a message is returned as typed, in HTML.
    """
    if not is_renderable(text):
        return plain_text.render(text)
    return _render(text)


# A conversation is read far more often than it changes; rendering takes 1 ms a message.
@lru_cache(maxsize=MAX_CACHED_TEXTS)
def _render(text: str) -> SafeString:
    html = nh3.clean(
        _markdown.render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        set_tag_attribute_values=_DIRECTIONS,
        url_schemes=_SCHEMES,
    )
    return mark_safe(html)  # noqa: S308  (nh3 has just cleaned it)


def render_with_images(text: str, image_urls: Mapping[str, str]) -> SafeString:
    """Return HTML of ``text`` as ``render`` does, with the images named in ``image_urls``.

    ``![words](name)`` shows the image at ``image_urls[name]``. Any other name leaves the words, so
    no text can make a browser load anything else. The limits are those of an article.
    """
    max_signs = max(MAX_MESSAGE_SIGNS, len(text) // CHARACTERS_PER_SIGN)
    if not is_renderable(text, MAX_ARTICLE_CHARACTERS, max_signs):
        return plain_text.render(text)
    return _render_with_images(text, tuple(sorted(image_urls.items())))


@lru_cache(maxsize=MAX_CACHED_ARTICLES)
def _render_with_images(text: str, images: tuple[tuple[str, str], ...]) -> SafeString:
    image_urls = dict(images)
    html = nh3.clean(
        _markdown_with_images.render(text, {"image_urls": image_urls}),
        tags=_TAGS | {"img"},
        attributes=_ATTRIBUTES | {"img": {"alt"}},
        set_tag_attribute_values=_DIRECTIONS,
        url_schemes=_SCHEMES,
        tag_attribute_values={"img": {"src": set(image_urls.values())}},
    )
    return mark_safe(html)  # noqa: S308  (nh3 has just cleaned it)


def is_renderable(
    text: str,
    max_characters: int = MAX_MESSAGE_CHARACTERS,
    max_signs: int = MAX_MESSAGE_SIGNS,
) -> bool:
    """Return whether ``text`` is within the limits of what is rendered as Markdown."""
    return (
        max(len(text), text.count("\n") * CHARACTERS_PER_LINE) <= max_characters
        and len(_SIGNS.findall(text)) <= max_signs
        and _count_table_cells(text) <= MAX_TABLE_CELLS
    )


def _count_table_cells(text: str) -> int:
    """Return how many cells the tables of ``text`` may have at most: columns by lines."""
    if "|" not in text:
        return 0
    count = columns = 0
    for line in text.splitlines():
        if _TABLE_RULE.fullmatch(line):
            columns = max(columns, line.count("|") + 1)
        columns = columns if line.strip() else 0  # a blank line ends a table
        count += columns
    return count


def _render_image(
    _renderer: object, tokens: Sequence[Token], index: int, options: object, env: dict
) -> str:
    token = tokens[index]
    name, words = unquote(str(token.attrs.get("src", ""))), escape_html(token.content)
    url = env["image_urls"].get(name)
    return f'<img src="{escape_html(url)}" alt="{words}">' if url else words


_markdown_with_images.add_render_rule("image", _render_image)


# --- text as Markdown

_ACTIVE = re.compile(
    r"""
    [`*|<\[\]]                        # anywhere
    | \\ (?![^\W_])                   # a backslash that would escape something
    | (?<![^\W_]) _ | _ (?![^\W_])    # not inside of a word
    | ~ (?= ~ | $)
    | & (?= [#\w]+ ; | [#\w]* $)      # of an entity, or of what may become one
    | ^ [!-/:-@^~]                    # a heading, list, quotation, rule or address
    | [!#] $                          # of an image or of the end of a heading
    """.replace("[!#]", r"[!\#]"),
    re.VERBOSE,
)
_ORDINAL = re.compile(r"^(\d{1,9})(?=[.)])", re.ASCII)
_NUMBER = re.compile(r"^\d(?=\d{0,8}$)", re.ASCII)  # an ordinal, if a full stop follows the value
_ODD_BLANK = re.compile(r"[^\S ]|(?<= ) |^ | $")  # all but a single space between words


def escape(text: str) -> str:
    """Return Markdown that reads like ``text`` wherever it is put, whatever it holds.

    It has no line ends: they and other odd blanks become entities.
    """
    escaped = _ACTIVE.sub(r"\\\g<0>", remove_controls(text))
    escaped = _ORDINAL.sub(r"\1\\", escaped)
    escaped = _NUMBER.sub(lambda match: _entity(match[0]), escaped)
    return _ODD_BLANK.sub(lambda match: _entity(match[0]), escaped)


def quote(text: str) -> str:
    """Return Markdown of a quotation that reads like ``text``, line by line."""
    return "\n".join(f"> {escape(line.rstrip())}".rstrip() for line in text.strip().splitlines())


def code_block(text: str) -> str:
    """Return Markdown that shows ``text`` line by line as it is."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}\n{text}\n{marks}"


def _entity(character: str) -> str:
    return f"&#{ord(character)};"


# --- Markdown as text


def as_text(text: str) -> str:
    """Return Markdown as it is read, for an e-mail: without its marks, links with their address.

    A text beyond the limits of a message is returned as it is.
    """
    if not is_renderable(text):
        return text
    return _blocks_text(SyntaxTreeNode(_markdown.parse(text)).children)


def _blocks_text(nodes: Iterable[SyntaxTreeNode], separator: str = "\n\n") -> str:
    return separator.join(_block_text(node) for node in nodes)


def _block_text(node: SyntaxTreeNode) -> str:
    match node.type:
        case "bullet_list":
            return _list_text(node, ["- "] * len(node.children))
        case "ordered_list":
            start = int(node.attrs.get("start", 1))
            numbers = range(start, start + len(node.children))
            return _list_text(node, [f"{number}. " for number in numbers])
        case "blockquote":
            return _indent(_blocks_text(node.children), "> ", "> ")
        case "table":
            return _blocks_text(node.children, "\n")
        case "thead" | "tbody":
            return _blocks_text(node.children, "\n")
        case "tr":
            return _blocks_text(node.children, " | ")
        case "hr":
            return "---"
        case "fence" | "code_block":
            return node.content.rstrip("\n")
    return "".join(_inline_text(child) for child in node.children)


def _list_text(node: SyntaxTreeNode, marks: Sequence[str]) -> str:
    paragraphs = (child for item in node.children for child in item.children)
    is_loose = any(child.type == "paragraph" and not child.hidden for child in paragraphs)
    separator = "\n\n" if is_loose else "\n"
    return separator.join(
        _indent(_blocks_text(item.children, separator), mark, " " * len(mark))
        for item, mark in zip(node.children, marks, strict=True)
    )


def _indent(text: str, first: str, others: str) -> str:
    return "\n".join(
        f"{others if number else first}{line}".rstrip()
        for number, line in enumerate(text.split("\n"))
    )


def _inline_text(node: SyntaxTreeNode) -> str:
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    text = "".join(_inline_text(child) for child in node.children) or node.content
    if node.type != "link" or node.markup == "autolink" or text == node.attrs["href"]:
        return text
    return f"{text} ({node.attrs['href']})"
