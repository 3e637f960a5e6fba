"""Queries for a parent and the tickets that are part of it. Numbers count what the viewer sees."""

from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models import ChildUpdate, Status, Ticket, TicketLink

SHOWN_FOR = timedelta(hours=1)  # how a reply to all went
ENDED_STATUSES = (Status.SOLVED, Status.CLOSED)


def find_parent(viewer: User, ticket: Ticket) -> Ticket | None:
    """Return the ticket this one is part of, if the viewer may see it."""
    parents = Ticket.objects.visible_to(viewer).filter(
        links_to__source=ticket, links_to__kind=TicketLink.Kind.CHILD_OF
    )
    return parents.defer("description", "search_vector").first()


def list_children(viewer: User, parent: Ticket) -> QuerySet[Ticket]:
    """Return the tickets that are part of this one and that the viewer may see, oldest first."""
    children = Ticket.objects.visible_to(viewer).filter(
        links__target=parent, links__kind=TicketLink.Kind.CHILD_OF
    )
    return children.select_related("customer").defer("description", "search_vector").order_by("pk")


def access_child_update(viewer: User, update_id: UUID) -> ChildUpdate:
    """Return a reply to all, for agents who may see its parent. Raises Http404."""
    updates = ChildUpdate.objects.select_related("parent", "by")
    update = updates.filter(pk=update_id, parent__in=Ticket.objects.visible_to(viewer)).first()
    if update is None or not viewer.is_agent:
        raise Http404
    return update


def find_child_update(viewer: User, parent: Ticket) -> ChildUpdate | None:
    """Return the latest reply to all of a parent, while it is worth showing."""
    since = timezone.now() - SHOWN_FOR
    updates = ChildUpdate.objects.filter(parent=parent, at__gte=since)
    return updates.select_related("by").order_by("-at").first() if viewer.is_agent else None


def list_visible_skips(viewer: User, update: ChildUpdate) -> list[tuple[int, str]]:
    """Return the numbers of skipped tickets the viewer may see, each with the reason."""
    ids = [ticket_id for ticket_id, _reason in update.skipped]
    visible = set(Ticket.objects.visible_to(viewer).filter(pk__in=ids).values_list("pk", flat=True))
    return [(pk, reason) for pk, reason in update.skipped if pk in visible]
