"""Everything that can be set up, in the order of the overview."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.manage.sections import macros, people, sla, tickets
from appliance.manage.sections.section import Section

GROUPS: tuple[tuple[Promise, tuple[Section, ...]], ...] = (
    (_("Users"), (people.PEOPLE, people.TEAMS, people.CUSTOMERS, people.ORGANISATIONS)),
    (_("Tickets"), (tickets.CATEGORIES, tickets.TAGS, tickets.FIELDS)),
    (_("SLA and assignment"), (sla.POLICIES, sla.BUSINESS_HOURS, sla.RULES)),
    (_("Productivity"), (macros.CANNED, macros.MACROS)),
)
SECTIONS: tuple[Section, ...] = tuple(section for _title, group in GROUPS for section in group)


def open_to(person: User) -> list[tuple[Promise, list[Section]]]:
    """What this person may set up, by group; groups with nothing for them are left out."""
    rows = [(title, [row for row in group if row.admits(person)]) for title, group in GROUPS]
    return [(title, group) for title, group in rows if group]
