"""The words a canned reply may leave open. A fixed table, not a template engine."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.core.queries import desk
from appliance.tickets.models import Ticket

PLACE = re.compile(r"\{([A-Za-z_]+)\}")
MARKUP = re.compile(r"([\\`*\[\]<])")  # what Markdown would read in a name or a subject


@dataclass(frozen=True)
class Variable:
    label: str
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
        gettext_lazy("whole name of the customer"),
        "Alice Ainsworth",
        lambda t, _by: t.customer.full_name,
    ),
    "customer_organisation": Variable(
        gettext_lazy("organisation of the customer"),
        "Ward 3",
        lambda t, _by: str(t.customer.organisation or ""),
    ),
    "ticket_number": Variable(
        gettext_lazy("number of the ticket"), "SKR-1042", lambda t, _by: t.number
    ),
    "ticket_subject": Variable(
        gettext_lazy("subject of the ticket"), "Printer is silent", lambda t, _by: t.subject
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
        gettext_lazy("name of this desk"), "Help desk", lambda _t, _by: desk().name
    ),
    "today": Variable(
        gettext_lazy("date of today"),
        "9 March 2026",
        lambda _t, _by: date_format(timezone.localdate(), "DATE_FORMAT"),
    ),
}
OF_THE_AGENT = {"agent_signature"}  # the agent's own Markdown stays Markdown


def check(text: str, field: str = "body") -> None:
    """Raises BadInputError when ``text`` names a variable that is not in the table."""
    unknown = [name for name in PLACE.findall(text) if name not in VARIABLES]
    if unknown:
        raise BadInputError(
            _("There is no variable {%(unknown)s}. The known ones are: %(known)s.")
            % {"unknown": unknown[0], "known": ", ".join(f"{{{name}}}" for name in VARIABLES)},
            field=field,
        )


def fill(text: str, ticket: Ticket, by: User) -> str:
    """``text`` with each variable replaced once; what stands in a value is never read again."""
    return PLACE.sub(lambda found: _value(found[1], found[0], ticket, by), text)


def preview(text: str) -> str:
    """``text`` as it would be sent to somebody made up."""
    return PLACE.sub(
        lambda found: VARIABLES[found[1]].sample if found[1] in VARIABLES else found[0], text
    )


def _value(name: str, written: str, ticket: Ticket, by: User) -> str:
    if name not in VARIABLES:
        return written
    value = VARIABLES[name].value(ticket, by)
    if name in OF_THE_AGENT:
        return value
    return MARKUP.sub(r"\\\1", " ".join(value.split()))
