"""Variables of canned responses and macros: a fixed table, not a template engine."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.core import markdown
from appliance.core.errors import BadInputError
from appliance.core.queries import site_settings
from appliance.tickets.models import Ticket

PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


@dataclass(frozen=True)
class Variable:
    """A placeholder of a text; ``value`` computes it for a ticket and the agent who writes."""

    label: str | Promise
    sample: str
    value: Callable[[Ticket, User], str]


VARIABLES: dict[str, Variable] = {
    "customer_first_name": Variable(
        gettext_lazy("first name of the customer"), "Alice", lambda t, _by: t.customer.first_name
    ),
    "customer_last_name": Variable(
        gettext_lazy("last name of the customer"), "Ainsworth", lambda t, _by: t.customer.last_name
    ),
    "customer_name": Variable(
        gettext_lazy("full name of the customer"),
        "Alice Ainsworth",
        lambda t, _by: t.customer.full_name,
    ),
    "customer_organisation": Variable(
        gettext_lazy("organisation of the customer"),
        "Ward 3",
        lambda t, _by: str(t.customer.organisation or ""),
    ),
    "ticket_number": Variable(gettext_lazy("ticket number"), "SKR-1042", lambda t, _by: t.number),
    "ticket_subject": Variable(
        gettext_lazy("ticket subject"), "Printer is silent", lambda t, _by: t.subject
    ),
    "agent_name": Variable(gettext_lazy("your name"), "Bob Barker", lambda _t, by: str(by)),
    "agent_first_name": Variable(
        gettext_lazy("your first name"), "Bob", lambda _t, by: by.first_name
    ),
    "agent_signature": Variable(
        gettext_lazy("your signature, from your profile"),
        "Bob, service desk",
        lambda _t, by: by.signature,
    ),
    "desk_name": Variable(
        gettext_lazy("name of the help desk"), "Help desk", lambda _t, _by: site_settings().name
    ),
    "today": Variable(
        gettext_lazy("today's date"),
        "9 March 2026",
        lambda _t, _by: date_format(timezone.localdate(), "DATE_FORMAT"),
    ),
}
UNESCAPED = {"agent_signature"}  # the agent's own Markdown stays Markdown


def check(text: str, field: str = "body") -> None:
    """Raise BadInputError if ``text`` names an unknown variable."""
    unknown = [name for name in PLACEHOLDER.findall(text) if name not in VARIABLES]
    if unknown:
        raise BadInputError(
            _("Unknown variable {%(unknown)s}. Available: %(known)s.")
            % {"unknown": unknown[0], "known": ", ".join(f"{{{name}}}" for name in VARIABLES)},
            field=field,
        )


def render(text: str, ticket: Ticket, by: User) -> str:
    """Return ``text``, which is Markdown, with its variables replaced.

    A value reads the same in the result, whatever it holds; it is not expanded again.
    """
    return PLACEHOLDER.sub(lambda match: _value(match[1], match[0], ticket, by), text)


def preview(text: str) -> str:
    """Return ``text`` with sample values."""
    return PLACEHOLDER.sub(
        lambda match: VARIABLES[match[1]].sample if match[1] in VARIABLES else match[0], text
    )


def _value(name: str, placeholder: str, ticket: Ticket, by: User) -> str:
    if name not in VARIABLES:
        return placeholder
    value = VARIABLES[name].value(ticket, by)
    if name in UNESCAPED:
        return value
    return markdown.escape(value.strip())
