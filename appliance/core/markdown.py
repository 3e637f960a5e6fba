"""Markdown to safe HTML, for articles and messages."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from urllib.parse import unquote

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

# html=False: raw tags are shown, not obeyed. nh3 behind it is the second fence.
_markdown = (
    MarkdownIt("commonmark", {"html": False, "breaks": True})
    .enable(["table", "strikethrough"])
    .disable("image")
)
_illustrated = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)
_TAGS = {
    "a",
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
_SCHEMES = {"http", "https", "mailto", "tel"}
LIMIT = 200_000  # characters read; markdown of a longer text is cut there
KEPT, KEPT_CHARACTERS = 1_000, 8_000  # texts whose HTML this process keeps, and how long they are


def render(text: str) -> SafeString:
    """HTML of ``text`` with a closed list of tags, no images, and links of four schemes."""
    return _kept(text) if len(text) <= KEPT_CHARACTERS else _render(text)


def _render(text: str) -> SafeString:
    html = _markdown.render(text[:LIMIT])
    clean = nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_SCHEMES)
    return mark_safe(clean)  # noqa: S308  (nh3 has just cleaned it)


# A conversation is read many times for once that it changes; a millisecond a message.
_kept = lru_cache(maxsize=KEPT)(_render)


def render_illustrated(text: str, pictures: Mapping[str, str]) -> SafeString:
    """The same with pictures: ``![words](name)`` shows the address ``pictures`` has for the name.

    What it has no address for leaves its words, so no text can make a browser load anything else.
    """
    html = _illustrated.render(text[:LIMIT], {"pictures": pictures})
    clean = nh3.clean(
        html,
        tags=_TAGS | {"img"},
        attributes={"a": {"href"}, "img": {"alt"}},
        url_schemes=_SCHEMES,
        tag_attribute_values={"img": {"src": set(pictures.values())}},
    )
    return mark_safe(clean)  # noqa: S308  (nh3 has just cleaned it)


def _picture(
    _renderer: object, tokens: Sequence[Token], place: int, options: object, env: dict
) -> str:
    token = tokens[place]
    name, words = unquote(str(token.attrs.get("src", ""))), escape(token.content)
    address = env["pictures"].get(name)
    return f'<img src="{escape(address)}" alt="{words}">' if address else words


_illustrated.add_render_rule("image", _picture)
