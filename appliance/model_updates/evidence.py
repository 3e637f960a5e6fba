"""The desk's own tickets whose category a person answered for, newest first.

Chosen: an agent set the category. Kept: an agent solved the ticket and left the category that a
bundle had given. Corrections alone would be the mistakes of the bundle that runs, and nothing could
be worse than that; both together are what agents stand for.
"""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from appliance.accounts.models import Role
from appliance.core.audit import ANONYMOUS
from appliance.tickets.models import Event, Status, Ticket, TicketCategory

MOST_TICKETS = 300  # the newest: what the desk is asked now, not what it was asked years ago


@dataclass(frozen=True)
class Confirmed:
    """A text and the category it belongs to."""

    text: str
    category: str  # its slug
    is_chosen: bool


def list_confirmed(limit: int = MOST_TICKETS) -> list[Confirmed]:
    """Two queries; at most ``limit``."""
    by_agent = Event.objects.filter(ticket=OuterRef("pk"), actor__role__in=[Role.AGENT, Role.ADMIN])
    chosen = Exists(by_agent.filter(kind=Event.Kind.CATEGORY))
    solved = Exists(by_agent.filter(kind=Event.Kind.STATUS))
    rows = (
        Ticket.objects.filter(category__is_active=True)
        .exclude(subject=ANONYMOUS, description="")
        .annotate(chosen=chosen)
        .filter(Q(chosen=True) | Q(solved, status__in=[Status.SOLVED, Status.CLOSED]))
        .select_related("category")
        .defer("search_vector")
        .order_by("-created_at", "-id")[:limit]
    )
    return [Confirmed(row.text, row.category.slug, row.chosen) for row in rows]


def list_phrases() -> list[tuple[str, str]]:
    """(phrase, slug): how the desk's categories say their customers would write."""
    return [
        (str(phrase), row.slug)
        for row in TicketCategory.objects.filter(is_active=True)
        for phrase in row.examples
    ]
