"""The texts around what happened, in e-mails to customers, participants and suppliers.

An admin may change each kind in each language. A text is Markdown with variables from a fixed
table: nothing in it is executed, and no value of a variable is read as Markdown or HTML.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from appliance.core import markdown
from appliance.core.errors import BadInputError
from appliance.notifications.fragments import Fragment
from appliance.notifications.models import EmailText, Kind

PARAGRAPH_END = re.compile(r"\n{2,}")
VARIABLE = re.compile(r"\{([^{}\s]{1,40})\}")
VARIABLES: dict[str, Promise] = {
    "ticket.number": _("Number of the ticket"),
    "ticket.subject": _("Subject of the ticket"),
    "ticket.status": _("Status of the ticket"),
    "recipient.name": _("First name of the recipient, or the address"),
    "customer.name": _("Name of the customer"),
    "agent.name": _("Name of the agent who replied"),
    "desk.name": _("Name of the help desk"),
    "message": _("What happened: the reply, or the text of the forward"),
    "link": _("Address of the ticket, where the recipient may open it"),
    "rating": _("Two links to rate the solution, if customers are asked"),
}
SUBJECT_VARIABLES = [name for name in VARIABLES if name not in ("message", "link", "rating")]
LABELS: dict[Kind, Promise] = {
    Kind.RECEIVED: _("Acknowledgement"),
    Kind.ANSWER: _("Reply"),
    Kind.SOLVED: _("Solved"),
    Kind.COPY: _("Copy for participants"),
    Kind.FORWARD: _("Forward"),
}
SUBJECT = "[{ticket.number}] {ticket.subject}"
SHIPPED: dict[Kind, Promise] = {
    Kind.RECEIVED: _(
        "Hello {recipient.name},\n\nwe have received your request. Its number is "
        "**{ticket.number}**. We will reply as soon as possible.\n\n{link}"
    ),
    # without a greeting: agents write their own
    Kind.ANSWER: _("{message}\n\n{link}"),
    Kind.SOLVED: _("Hello {recipient.name},\n\n{message}\n\n{rating}\n\n{link}"),
    Kind.COPY: _(
        "{message}\n\nYou receive this because you take part in {ticket.number} of {customer.name}."
    ),
    Kind.FORWARD: _("Hello,\n\n{message}"),
}
REQUIRED: dict[Kind, str] = {kind: "message" for kind in LABELS if kind != Kind.RECEIVED}


@dataclass(frozen=True)
class Text:
    """The subject and the body of a kind of e-mail, with variables in both."""

    subject: str
    body: str
    is_changed: bool = False


def shipped_text(kind: Kind, language: str) -> Text:
    with translation.override(language):
        return Text(SUBJECT, str(SHIPPED[kind]))


def find_text(kind: Kind, language: str) -> Text:
    """Return the text an admin wrote, else the shipped one."""
    row = EmailText.objects.filter(kind=kind, language=language).first()
    return Text(row.subject, row.body, True) if row else shipped_text(kind, language)


def find_unknown(text: str, names: list[str]) -> list[str]:
    """Return the variables in a text that are not among the names, in braces."""
    return [f"{{{name}}}" for name in VARIABLE.findall(text) if name not in names]


def check(kind: Kind, subject: str, body: str) -> None:
    """Raise BadInputError if a text names a variable that is not in the table, or lacks one."""
    texts = {"subject": (subject, SUBJECT_VARIABLES), "body": (body, [*VARIABLES])}
    for field, (text, names) in texts.items():
        if unknown := find_unknown(text, names):
            raise BadInputError(
                gettext("%(names)s is not available here. Use a variable of the table.")
                % {"names": ", ".join(unknown)},
                field=field,
            )
    if (name := REQUIRED.get(kind)) and name not in VARIABLE.findall(body):
        raise BadInputError(
            gettext("The text lacks {%(name)s}: nobody could read what was written.")
            % {"name": name},
            field="body",
        )


def fill_subject(subject: str, values: Mapping[str, Fragment]) -> str:
    """Return the subject on one line."""
    filled = _fill(subject, {name: value.text for name, value in values.items()})
    return " ".join(filled.split())[:250]


def fill_body(body: str, values: Mapping[str, Fragment]) -> Fragment:
    """Return the body with its variables replaced; paragraphs that are left empty disappear.

    A word that nobody can guess stands for each variable while the text is rendered, so that
    Markdown or HTML in a value stays what it is.
    """
    prefix = f"x{secrets.token_hex(8)}"
    words = {name: f"{prefix}{number}x" for number, name in enumerate(values)}
    template = _fill(body, words)
    text, html = markdown.as_text(template), str(markdown.render(template))
    for name, word in words.items():
        value = values[name]
        target = escape(value.text) if value.text.startswith(("http://", "https://")) else "#"
        text = text.replace(word, value.text)
        html = html.replace(f'href="{word}"', f'href="{target}"')
        html = re.sub(f"<p[^>]*>{word}</p>", word, html).replace(word, value.html)
    paragraphs = (part.strip("\n") for part in PARAGRAPH_END.split(text))
    return Fragment("\n\n".join(filter(None, paragraphs)), html)


def _fill(text: str, values: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)


def of_value(value: str) -> Fragment:
    """Return the value of a variable that is a word or a name."""
    return Fragment(value, escape(value))
