"""What somebody without an account reads by their secret link."""

import re
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.core import cache
from appliance.search.queries import find_ticket_ids
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import OPEN_STATUSES, Attachment, Message, Status, Ticket

LINK_OUTLIVES_TICKET = timedelta(days=30)


def access_guest_ticket(token: str) -> Ticket:
    """Raises Http404: for a wrong link just as for one whose ticket is closed for a month."""
    ticket = tickets_queries.access_guest_ticket(token)
    is_over = ticket.status == Status.CLOSED or ticket.customer.anonymised_at
    if is_over and ticket.updated_at < timezone.now() - LINK_OUTLIVES_TICKET:
        raise Http404
    return ticket


def access_guest_attachment(token: str, attachment_id: int) -> Attachment:
    access_guest_ticket(token)
    return tickets_queries.access_guest_attachment(token, attachment_id)


def list_guest_messages(ticket: Ticket) -> list[Message]:
    """The replies on this ticket, never a note.

    Nor what was said on tickets merged into it: those may have been asked by the customer behind
    a log-in, and nobody has shown that whoever holds this link is that customer.
    """
    values = tickets_queries.list_messages(AnonymousUser(), ticket)
    return [message for message in values if message.ticket_id == ticket.pk]


def count_open_tickets_of(person: User) -> int:
    """Open tickets that wait for somebody else when this person goes."""
    return Ticket.objects.open().filter(assignee=person).count()


STATES = ("open", "solved", "all")
NUMBER = re.compile(r"^\s*(?:skr-)?(\d{1,18})\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class MyTickets:
    """What the list is narrowed to."""

    state: str = "open"
    whose: str = ""  # "mine": without those of the organisation
    text: str = ""

    def apply(self, tickets: QuerySet[Ticket], viewer: User) -> QuerySet[Ticket]:
        if self.whose == "mine":
            tickets = tickets.filter(customer__user=viewer)
        if self.text:
            tickets = tickets.filter(_holds(viewer, self.text))
        if self.state == "open":
            return tickets.filter(status__in=OPEN_STATUSES)
        return tickets.exclude(status__in=OPEN_STATUSES) if self.state == "solved" else tickets


def list_mine(viewer: User, filters: MyTickets) -> QuerySet[Ticket]:
    """Newest first, with whose it is; the long texts are left out."""
    tickets = filters.apply(Ticket.objects.visible_to(viewer), viewer)
    rows = tickets.select_related("customer").defer("description", "search_vector")
    return rows.order_by("-created_at", "-id")


def count_mine(viewer: User, whose: str = "") -> dict[str, int]:
    """{"open": n, "solved": n, "all": n}; from the cache if there."""
    return cache.get_or_compute(
        "portal_counts",
        [viewer.pk, whose],
        lambda: _count(viewer, whose),
        depends_on=[cache.TICKETS],
    )


def _count(viewer: User, whose: str) -> dict[str, int]:
    tickets = MyTickets("all", whose).apply(Ticket.objects.visible_to(viewer), viewer)
    is_open = Q(status__in=OPEN_STATUSES)
    counts = tickets.aggregate(open=Count("pk", filter=is_open), all=Count("pk"))
    return counts | {"solved": counts["all"] - counts["open"]}


def _holds(viewer: User, text: str) -> Q:
    """The number of a ticket, what search finds by words, or a part of its subject: of the few
    tickets that are the viewer's, each subject is read.
    """
    if number := NUMBER.match(text):
        return Q(pk=int(number.group(1))) | Q(subject__icontains=text.strip())
    return Q(pk__in=find_ticket_ids(viewer, text)) | Q(subject__icontains=text)


def shares(viewer: User) -> str:
    """The name of the organisation whose customers see each other's tickets, if there is one."""
    customer = accounts_queries.find_customer_of(viewer)
    organisation = customer.organisation if customer else None
    return organisation.name if organisation and organisation.shares_tickets else ""
