"""All sections of the settings, in the order of the overview."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.manage.sections import (
    directories,
    email,
    macros,
    mail,
    people,
    sign_in,
    sla,
    tickets,
)
from appliance.manage.sections.section import Section

Group = tuple[Promise, tuple[Section[Any], ...]]
GROUPS: tuple[Group, ...] = (
    (
        _("Users"),
        (
            people.PEOPLE,
            people.TEAMS,
            people.CUSTOMERS,
            people.ORGANISATIONS,
            directories.DIRECTORIES,
            sign_in.IDENTITY_PROVIDERS,
        ),
    ),
    (_("Tickets"), (tickets.CATEGORIES, tickets.TAGS, tickets.FIELDS)),
    (_("SLA and assignment"), (sla.POLICIES, sla.BUSINESS_HOURS, sla.RULES)),
    (_("E-mail"), (email.SENDER_ADDRESSES, mail.MAILBOXES, mail.BLOCKED_SENDERS)),
    (_("Productivity"), (macros.CANNED_RESPONSES, macros.MACROS)),
)
SECTIONS: tuple[Section[Any], ...] = tuple(section for _title, group in GROUPS for section in group)


def list_groups(viewer: User) -> list[Group]:
    """Return the sections the viewer may open, by group, without empty groups."""
    groups = [
        (title, tuple(section for section in group if section.is_open_to(viewer)))
        for title, group in GROUPS
    ]
    return [(title, group) for title, group in groups if group]
