"""Markdown to safe HTML, for articles and messages."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# html=False: raw tags are shown, not obeyed. nh3 behind it is the second fence.
_markdown = (
    MarkdownIt("commonmark", {"html": False, "breaks": True})
    .enable(["table", "strikethrough"])
    .disable("image")
)
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto", "tel"}
LIMIT = 200_000  # characters read; markdown of a longer text is cut there


def render(text: str) -> SafeString:
    """HTML of ``text`` with a closed list of tags, no images, and links of four schemes."""
    html = _markdown.render(text[:LIMIT])
    clean = nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_SCHEMES)
    return mark_safe(clean)  # noqa: S308  (nh3 has just cleaned it)
