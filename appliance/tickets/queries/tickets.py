"""One ticket: who may see it, what was on it, how it hangs together with others."""

from dataclasses import dataclass

from django.http import Http404
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.accounts.security import hash_token
from appliance.tickets.models import Event, Ticket, TicketLink

RELATED = ("customer__organisation", "customer__user", "category", "assignee", "team")
Kind = TicketLink.Kind
REVERSE_LABELS = {
    Kind.DUPLICATE: _("is duplicated by"),
    Kind.CAUSED_BY: _("causes"),
    Kind.SPLIT_FROM: _("was split into"),
    Kind.RELATED: _("is related to"),
}


@dataclass(frozen=True)
class LinkedTicket:
    """Another ticket and what this one has to do with it."""

    link: TicketLink
    other: Ticket
    label: str


def access_ticket(viewer: User, ticket_id: int) -> Ticket:
    """The ticket with what its page shows. Raises Http404 if it is not the viewer's."""
    seen = Ticket.objects.visible_to(viewer).select_related(*RELATED).defer("search_vector")
    return _access_or_404(seen.filter(pk=ticket_id).first())


def access_guest_ticket(token: str) -> Ticket:
    """The ticket of a guest's secret link. Raises Http404."""
    tickets = Ticket.objects.select_related(*RELATED).exclude(guest_token_sha256="")
    return _access_or_404(tickets.filter(guest_token_sha256=hash_token(token)).first())


def can_see_ticket(user: User, ticket: Ticket) -> bool:
    return Ticket.objects.visible_to(user).filter(pk=ticket.pk).exists()


def was_category_set_by_agent(ticket: Ticket) -> bool:
    """Whether a person has set the category of this ticket."""
    return ticket.events.filter(kind=Event.Kind.CATEGORY, actor__isnull=False).exists()


def find_last_event_id(ticket: Ticket) -> int:
    """Which event was the last; 0 before any. A page that knows it has seen everything."""
    newest = ticket.events.order_by("-id").values_list("pk", flat=True)
    return newest.first() or 0


def list_merged(viewer: User, ticket: Ticket) -> list[Ticket]:
    """The tickets merged into this one, and into those, oldest first; as far as the viewer sees.

    A guest or customer who has this ticket has them all: only tickets of one customer are merged.
    One query when there are none.
    """
    tickets: list[Ticket] = []
    into = [ticket.pk]
    while into:
        sources = Ticket.objects.filter(merged_into__in=into).select_related("customer")
        if viewer.is_authenticated and viewer.is_agent:
            sources = sources.visible_to(viewer)
        into = [source.pk for source in sources]
        tickets += sources
    return sorted(tickets, key=lambda source: (source.created_at, source.pk))


def find_merge_target(viewer: User, ticket: Ticket) -> Ticket | None:
    """The ticket this one was merged into, when the viewer may see that."""
    if ticket.merged_into_id is None:
        return None
    return Ticket.objects.visible_to(viewer).filter(pk=ticket.merged_into_id).first()


def list_links(viewer: User, ticket: Ticket) -> list[LinkedTicket]:
    """How this ticket hangs together with others the viewer sees. Two queries."""
    seen = Ticket.objects.visible_to(viewer).defer("description", "search_vector")
    out = ticket.links.filter(target__in=seen).select_related("target")
    back = ticket.links_to.filter(source__in=seen).select_related("source")
    return [
        *(LinkedTicket(link, link.target, link.get_kind_display()) for link in out),
        *(LinkedTicket(link, link.source, str(REVERSE_LABELS[link.kind])) for link in back),
    ]


def access_link(viewer: User, link_id: int) -> TicketLink:
    """A link between two tickets the viewer sees. Raises Http404."""
    seen = Ticket.objects.visible_to(viewer)
    links = TicketLink.objects.select_related("source", "target")
    return _access_or_404(links.filter(pk=link_id, source__in=seen, target__in=seen).first())


def _access_or_404(row):
    if row is None:
        raise Http404
    return row
