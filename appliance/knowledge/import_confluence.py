"""Turn the tags of Confluence's storage format into HTML."""

import re
from html import escape

from bs4 import BeautifulSoup, Tag

ATTRIBUTES = {"ac:name", "ac:alt", "ac:emoji-fallback", "ri:filename", "ri:content-title"}
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_EMPTY_ELEMENT = re.compile(r"<((?:ac|ri):[\w-]{1,60})\b([^<>]{0,2000})/>")
_HTML_NAMES = {
    "ac:task-list": "ul",
    "ac:task": "li",
    "ac:plain-text-body": "pre",
    "ac:layout": "div",
    "ac:layout-section": "div",
    "ac:layout-cell": "div",
    "ac:structured-macro": "div",
    "ac:rich-text-body": "div",
    "ac:task-body": "span",
}
_PANELS = {"info", "note", "tip", "warning", "panel", "expand"}
_NO_TEXT = ["ac:task-id", "ac:task-uuid", "ac:placeholder", "ac:adf-attribute"]


def prepare(text: str) -> str:
    """Return the text as an HTML parser can read it: HTML has no CDATA, and no empty elements."""
    if "<![CDATA[" in text:
        text = _CDATA.sub(lambda match: escape(match[1]), text)
    return _EMPTY_ELEMENT.sub(r"<\1\2></\1>", text)


def rewrite(soup: BeautifulSoup) -> None:
    """Replace the tags of Confluence by those of HTML; what is no text of the page is removed."""
    if soup.find(re.compile("^(?:ac|ri):")) is None:
        return
    for element in soup.find_all(_NO_TEXT):
        element.decompose()
    for element in soup.find_all("ac:parameter"):
        _rewrite_parameter(element)
    for element in soup.find_all("ac:task-status"):
        element.string = "[x] " if element.get_text(strip=True) == "complete" else "[ ] "
        element.name = "span"
    for element in soup.find_all(["ac:link", "ac:image", "ac:emoticon"]):
        _rewrite_reference(element)
    for element in soup.find_all(list(_HTML_NAMES)):
        if element.get("ac:name") in _PANELS:
            element.name = "blockquote"
        else:
            element.name = _HTML_NAMES[element.name]


def _rewrite_parameter(element: Tag) -> None:
    """Keep the title of a macro; the other parameters say how it looks."""
    if element.get("ac:name") == "title":
        element.name = "summary"
    else:
        element.decompose()


def _rewrite_reference(element: Tag) -> None:
    """Replace a link by its text or the title of its page, an image by one of HTML."""
    target = element.find(re.compile("^ri:"))
    file_name = str(target.get("ri:filename", "")) if isinstance(target, Tag) else ""
    if element.name == "ac:image":
        element.attrs = {"src": file_name, "alt": str(element.get("ac:alt", ""))}
        element.name = "img"
        element.clear()
        return
    if not element.get_text(strip=True):
        title = str(target.get("ri:content-title", "")) if isinstance(target, Tag) else ""
        element.string = title or file_name or str(element.get("ac:emoji-fallback", ""))
    element.name = "span"
