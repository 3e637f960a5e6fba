"""The words of tickets and messages on pages and in e-mails.

What customers write is shown as they typed it, what agents write is Markdown. A long text is shown
as far as its opening, until its reader asks for the whole.
"""

import re
from dataclasses import dataclass

from django.utils.safestring import SafeString

from appliance.core import markdown, plain_text
from appliance.tickets.models import Message, Ticket

MAX_CHARACTERS, MAX_LINES = 5_000, 80  # shown at once
OPENING_CHARACTERS, OPENING_LINES = 4_000, 60  # of a longer text
LAST_WORD = re.compile(r"\s\S{0,99}$")  # an opening ends between two words, if a blank is near


@dataclass(frozen=True)
class Words:
    """A text as HTML, with the CSS class it needs; ``is_folded`` if only its opening is there."""

    html: SafeString
    css_class: str
    is_folded: bool


def words_of_ticket(ticket: Ticket, *, is_whole: bool = False) -> Words:
    """Return the text the ticket was created with."""
    return _words(ticket.description, is_markdown=False, is_whole=is_whole)


def words_of_message(message: Message, *, is_whole: bool = False) -> Words:
    """Return the text of a message that ``queries.list_messages`` read, or of any whole message."""
    text = message.body if is_whole else message.body_opening
    return _words(text, is_markdown=message.is_markdown, is_whole=is_whole)


def signature_of_message(message: Message) -> SafeString:
    """Return the signature below a reply as HTML, empty if there is none."""
    return markdown.render(message.signature) if message.signature else SafeString("")


def as_text(message: Message) -> str:
    """Return the whole text of a message as it reads on the page, for an e-mail."""
    text = markdown.as_text(message.body) if message.is_markdown else message.body
    return f"{text}\n\n{markdown.as_text(message.signature)}" if message.signature else text


def _words(text: str, *, is_markdown: bool, is_whole: bool) -> Words:
    opening = text if is_whole else fold(text)
    html = markdown.render(opening) if is_markdown else plain_text.render(opening)
    return Words(html, "prose" if is_markdown else "prose plain", opening != text)


def fold(text: str) -> str:
    """Return the opening of a text, or the text if it can be shown at once."""
    lines = text[: MAX_CHARACTERS + 1].split("\n", MAX_LINES)
    if len(text) <= MAX_CHARACTERS and len(lines) <= MAX_LINES:
        return text
    opening = "\n".join(lines[:OPENING_LINES])
    if len(opening) <= OPENING_CHARACTERS:
        return opening
    opening = opening[:OPENING_CHARACTERS]
    last_word = LAST_WORD.search(opening)
    return opening[: last_word.start()] if last_word else opening
