"""Markdown to safe HTML, for articles and messages."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from urllib.parse import unquote

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

# html=False: raw tags are shown as text. nh3 sanitises the output a second time.
_markdown = (
    MarkdownIt("commonmark", {"html": False, "breaks": True})
    .enable(["table", "strikethrough"])
    .disable("image")
)
_markdown_with_images = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
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
MAX_CHARACTERS = 200_000  # a longer text is cut there
MAX_CACHED_TEXTS, MAX_CACHED_CHARACTERS = 1_000, 8_000  # rendered texts this process caches


def render(text: str) -> SafeString:
    """Return HTML of ``text``: a closed list of tags, no images, links of four schemes."""
    return _render_cached(text) if len(text) <= MAX_CACHED_CHARACTERS else _render(text)


def _render(text: str) -> SafeString:
    html = _markdown.render(text[:MAX_CHARACTERS])
    safe_html = nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_SCHEMES)
    return mark_safe(safe_html)  # noqa: S308  (nh3 has just cleaned it)


# A conversation is read far more often than it changes; rendering takes 1 ms a message.
_render_cached = lru_cache(maxsize=MAX_CACHED_TEXTS)(_render)


def render_with_images(text: str, image_urls: Mapping[str, str]) -> SafeString:
    """Return HTML of ``text`` as ``render`` does, with the images named in ``image_urls``.

    ``![words](name)`` shows the image at ``image_urls[name]``. Any other name leaves the words, so
    no text can make a browser load anything else.
    """
    html = _markdown_with_images.render(text[:MAX_CHARACTERS], {"image_urls": image_urls})
    safe_html = nh3.clean(
        html,
        tags=_TAGS | {"img"},
        attributes={"a": {"href"}, "img": {"alt"}},
        url_schemes=_SCHEMES,
        tag_attribute_values={"img": {"src": set(image_urls.values())}},
    )
    return mark_safe(safe_html)  # noqa: S308  (nh3 has just cleaned it)


def _render_image(
    _renderer: object, tokens: Sequence[Token], index: int, options: object, env: dict
) -> str:
    token = tokens[index]
    name, words = unquote(str(token.attrs.get("src", ""))), escape(token.content)
    url = env["image_urls"].get(name)
    return f'<img src="{escape(url)}" alt="{words}">' if url else words


_markdown_with_images.add_render_rule("image", _render_image)
