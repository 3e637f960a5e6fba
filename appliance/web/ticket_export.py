"""The tickets of a list as rows of a table, with the values of custom fields."""

from collections.abc import Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.tickets import queries
from appliance.tickets.models import Ticket
from appliance.web.ticket_list import ListQuery

MAX_TICKETS = 50_000
CHUNK_TICKETS = 500


def export_rows(viewer: User, query: ListQuery) -> Iterator[list[object]]:
    """Yield the headings, then a row for each ticket of the list, in its order.

    Dates of custom fields are ISO dates, whatever the language, as programs read them.
    """
    fields = queries.list_field_choices()
    yield [*_headings(), *(label for _key, label in fields)]
    if query.is_broken:
        return
    columns = ["team", "organisation", "tags", "field:"]
    tickets = queries.list_tickets(viewer, query.filters, query.sort, columns=columns)
    tickets = tickets[:MAX_TICKETS]
    for ticket in tickets.iterator(chunk_size=CHUNK_TICKETS):
        yield [*_cells(ticket), *(ticket.fields.get(key, "") for key, _label in fields)]


def _headings() -> list[str]:
    return [
        _("Ticket number"),
        _("Subject"),
        _("Customer"),
        _("E-mail"),
        _("Organisation"),
        _("Status"),
        _("Priority"),
        _("Category"),
        _("Assignee"),
        _("Team"),
        _("Tags"),
        _("Channel"),
        _("Language"),
        _("Created"),
        _("Updated"),
    ]


def _cells(ticket: Ticket) -> list[object]:
    customer = ticket.customer
    return [
        ticket.number,
        ticket.subject,
        customer.full_name,
        customer.email,
        customer.organisation or "",
        ticket.get_status_display(),
        ticket.get_priority_display(),
        ticket.category or "",
        ticket.assignee or "",
        ticket.team or "",
        ", ".join(tag.name for tag in ticket.tags.all()),
        ticket.get_channel_display(),
        ticket.get_language_display(),
        timezone.localtime(ticket.created_at).isoformat(" ", "minutes"),
        timezone.localtime(ticket.updated_at).isoformat(" ", "minutes"),
    ]
