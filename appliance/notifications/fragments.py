"""What happened, as a piece of an e-mail: plain text, and the same as HTML."""

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from appliance.core import markdown, plain_text
from appliance.tickets.models import Message
from appliance.tickets.words import as_text


@dataclass(frozen=True)
class Fragment:
    """A piece of an e-mail; the HTML is safe."""

    text: str
    html: str

    def __add__(self, other: "Fragment") -> "Fragment":
        parts = [part.text for part in (self, other) if part.text]
        return Fragment("\n\n".join(parts), f"{self.html}\n{other.html}".strip())


NOTHING = Fragment("", "")


def of_line(text: str) -> Fragment:
    """Return a line such as "Bob replied to you"."""
    return (
        Fragment(text, format_html('<p class="who" dir="auto">{}</p>', text)) if text else NOTHING
    )


def of_title(text: str) -> Fragment:
    return Fragment(text, format_html('<p class="title" dir="auto">{}</p>', text))


def of_link(url: str) -> Fragment:
    """Return an address on a line of its own."""
    return Fragment(url, format_html('<p class="link"><a href="{0}">{0}</a></p>', url))


def of_text(text: str) -> Fragment:
    """Return a text in Markdown that an agent wrote."""
    return Fragment(markdown.as_text(text), _block(markdown.render(text)))


def of_plain_text(text: str) -> Fragment:
    """Return a text that is shown as it was typed."""
    return Fragment(text, _block(_render_plain(text)))


def of_message(message: Message) -> Fragment:
    """Return the whole text of a message with its signature."""
    html = markdown.render(message.body) if message.is_markdown else _render_plain(message.body)
    if message.signature:
        signature = markdown.render(message.signature)
        html = mark_safe(f'{html}<div class="signature">{signature}</div>')  # noqa: S308  rendered
    return Fragment(as_text(message), _block(html))


def quoted(fragment: Fragment) -> Fragment:
    """Return the fragment as a quotation."""
    lines = [f"> {line}".rstrip() for line in fragment.text.strip("\n").split("\n")]
    return Fragment("\n".join(lines), f"<blockquote>{fragment.html}</blockquote>")


def _render_plain(text: str) -> SafeString:
    """Return HTML in which the lines end where they were typed, for any e-mail client."""
    return mark_safe(plain_text.render(text).replace("\n", "<br>\n"))  # noqa: S308  rendered


def _block(html: SafeString) -> str:
    return f'<div class="text">{html}</div>'
