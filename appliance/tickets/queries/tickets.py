"""Queries for one ticket: access, links and merges."""

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User, Viewer
from appliance.accounts.security import hash_token
from appliance.tickets import guest_links
from appliance.tickets.models import Event, Status, Ticket, TicketLink

RELATED = ("customer__organisation", "customer__user", "category", "assignee", "team")
Kind = TicketLink.Kind
OTHER_TICKET = {"source", "target", "other"}  # keys of the data of merges, splits and links
REVERSE_LABELS = {
    Kind.DUPLICATE: gettext_lazy("is duplicated by"),
    Kind.CAUSED_BY: gettext_lazy("causes"),
    Kind.CHILD_OF: gettext_lazy("has the part"),
    Kind.SPLIT_FROM: gettext_lazy("was split into"),
    Kind.RELATED: gettext_lazy("is related to"),
}


@dataclass(frozen=True)
class LinkedTicket:
    """The ticket at the other end of a link, and what the link says about it."""

    link: TicketLink
    other: Ticket
    label: str


def access_ticket(viewer: Viewer, ticket_id: int) -> Ticket:
    """Return the ticket with what its page shows. Raises Http404 unless the viewer may see it."""
    tickets = Ticket.objects.visible_to(viewer).select_related(*RELATED).defer("search_vector")
    ticket = tickets.filter(pk=ticket_id).first()
    if ticket is None:
        raise Http404
    return ticket


def access_guest_ticket(token: str) -> Ticket:
    """Return the ticket of a guest's secret link. Raises Http404.

    A link from an e-mail, which proves the address, leads on to the ticket that one was merged
    into.
    """
    tickets = Ticket.objects.select_related(*RELATED)
    if ticket_id := guest_links.ticket_id_of_mail(token):
        ticket = tickets.filter(pk=ticket_id).first()
        if ticket and guest_links.is_token_of_mail(token, ticket):
            return _follow_merges(ticket)
        raise Http404
    tickets = tickets.exclude(guest_token_sha256="")  # as the index does
    ticket = tickets.filter(guest_token_sha256=hash_token(token)).first()
    if ticket is None:
        raise Http404
    return ticket


def access_ticket_to_rate(token: str) -> Ticket:
    """Return the ticket whose solution the link in an e-mail rates. Raises Http404."""
    ticket_id = guest_links.ticket_id_of_mail(token)
    ticket = Ticket.objects.select_related(*RELATED).filter(pk=ticket_id or 0).first()
    if ticket is None or not guest_links.is_token_of_rating(token, ticket):
        raise Http404
    return ticket


def _follow_merges(ticket: Ticket) -> Ticket:
    """Return the ticket of the same customer that this one was merged into, directly or not."""
    target = ticket.merged_into
    while target and target.customer_id == ticket.customer_id:
        ticket, target = target, target.merged_into
    return ticket


def find_created_ticket(viewer: User | None, key: UUID | None) -> Ticket | None:
    """Return the ticket that this person created with a form that has the key."""
    if viewer is None or key is None:
        return None
    tickets = Ticket.objects.filter(events__kind=Event.Kind.OPENED, events__actor=viewer)
    return tickets.filter(idempotency_key=key).first()


def can_see_ticket(viewer: Viewer, ticket: Ticket) -> bool:
    return Ticket.objects.visible_to(viewer).filter(pk=ticket.pk).exists()


def was_category_chosen(ticket: Ticket) -> bool:
    """Return whether a person or the mailbox has set or confirmed the category, not a bundle."""
    return ticket.events.filter(kind__in=(Event.Kind.CATEGORY, Event.Kind.CONFIRMED)).exists()


def was_language_chosen(ticket: Ticket) -> bool:
    """Return whether a person has set the language."""
    return ticket.events.filter(kind=Event.Kind.LANGUAGE).exists()


def list_merged(viewer: Viewer, ticket: Ticket) -> list[Ticket]:
    """Return the tickets merged into this one, directly or not, oldest first.

    Users get those they may see, guests get all. Costs one query if there are none.
    """
    tickets: list[Ticket] = []
    target_ids = [ticket.pk]
    while target_ids:
        sources = list(Ticket.objects.filter(merged_into__in=target_ids).select_related("customer"))
        if sources and viewer.is_authenticated:
            visible = Ticket.objects.visible_to(viewer).filter(merged_into__in=target_ids)
            visible_ids = set(visible.values_list("pk", flat=True))
            sources = [source for source in sources if source.pk in visible_ids]
        target_ids = [source.pk for source in sources]
        tickets += sources
    return sorted(tickets, key=lambda source: (source.created_at, source.pk))


def find_merge_target(viewer: Viewer, ticket: Ticket) -> Ticket | None:
    """Return the ticket this one was merged into, if the viewer may see it."""
    if ticket.merged_into_id is None:
        return None
    return Ticket.objects.visible_to(viewer).filter(pk=ticket.merged_into_id).first()


def merge_target_number(viewer: Viewer | None, ticket: Ticket) -> str:
    """Return the number of the ticket this one was merged into, "…" unless the viewer sees it."""
    target = find_merge_target(viewer, ticket) if viewer else None
    return str(target.pk) if target else "…"


def find_merge_obstacle(viewer: User, source: Ticket, target: Ticket) -> str:
    """Return why ``source`` cannot be merged into ``target``, and what to do; empty if it can."""
    params = {"source": source.number, "target": target.number}
    message = ""
    if source.pk == target.pk:
        message = _("%(source)s cannot be merged into itself. Choose another ticket.")
    elif source.customer_id != target.customer_id:
        message = _(
            "%(source)s and %(target)s belong to different customers, who would see "
            "each other's messages. Link the tickets instead."
        )
    elif source.guest_token_sha256:
        message = _(
            "%(source)s belongs to a guest, who can read replies only there. Merge "
            "%(target)s into it, or link the two."
        )
    elif source.merged_into_id:
        message = _("%(source)s is already merged into another ticket. Undo that merge first.")
    elif target.merged_into_id:
        params["into"] = merge_target_number(viewer, target)
        message = _("%(target)s is itself merged into SKR-%(into)s. Choose that ticket.")
    elif target.status == Status.CLOSED:
        message = _("%(target)s is closed. Reopen it first, or merge in the other direction.")
    return message % params


def list_events(viewer: User, ticket: Ticket, limit: int | None = None) -> list[Event]:
    """Return the last events of a ticket, oldest first. Costs two queries at most.

    The number of another ticket is 0 in their data if the viewer may not see that ticket.
    """
    events = list(ticket.events.order_by("-at", "-id")[:limit])[::-1]
    named = {event.data[key] for event in events for key in OTHER_TICKET & event.data.keys()}
    visible = set(
        Ticket.objects.visible_to(viewer).filter(pk__in=named).values_list("pk", flat=True)
        if named
        else []
    )
    for event in events:
        for key in OTHER_TICKET & event.data.keys():
            event.data[key] = event.data[key] if event.data[key] in visible else 0
    return events


def list_links(viewer: User, ticket: Ticket) -> list[LinkedTicket]:
    """Return the links to tickets the viewer may see, in both directions. Costs two queries."""
    visible = Ticket.objects.visible_to(viewer).defer("description", "search_vector")
    links = ticket.links.filter(target__in=visible).select_related("target")
    links_to = ticket.links_to.filter(source__in=visible).select_related("source")
    return [
        *(LinkedTicket(link, link.target, link.get_kind_display()) for link in links),
        *(
            LinkedTicket(link, link.source, str(REVERSE_LABELS[Kind(link.kind)]))
            for link in links_to
        ),
    ]


def access_link(viewer: User, link_id: int) -> TicketLink:
    """Return a link between two tickets the viewer may see. Raises Http404."""
    visible = Ticket.objects.visible_to(viewer)
    links = TicketLink.objects.select_related("source", "target")
    link = links.filter(pk=link_id, source__in=visible, target__in=visible).first()
    if link is None:
        raise Http404
    return link
