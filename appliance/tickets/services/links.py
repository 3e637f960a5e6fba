"""Services that merge, split and link tickets, and undo that."""

import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core import cache
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.tickets import queries
from appliance.tickets.event_data import LinkedData, MergedData, SplitData
from appliance.tickets.models import Attachment, Event, Message, Status, Ticket, TicketLink
from appliance.tickets.services.events import lock, lock_both, record, require_agent, save
from appliance.tickets.services.properties import change_status

Kind = TicketLink.Kind


def merge_tickets(*, source: Ticket, target: Ticket, by: User) -> None:
    """Close ``source`` as part of ``target``, whose page shows the messages of both.

    Nothing is moved, so that ``unmerge_ticket`` can undo it.
    """
    _require_permission(by)
    _require_access_to_both(by, source, target, "target")
    with transaction.atomic():
        locked, locked_target = lock_both(source, target)
        if locked.merged_into_id == locked_target.pk:
            return
        _require_mergeable(locked, locked_target, by)
        at_source = MergedData(target=target.pk, was=locked.status)
        change_status(locked, Status.CLOSED, by)
        locked.merged_into = locked_target
        save(locked, "merged_into")
        save(locked_target)
        record(locked, Event.Kind.MERGED, by, data=at_source)
        record(locked_target, Event.Kind.MERGED, by, data=MergedData(source=source.pk))
    source.refresh_from_db()
    target.refresh_from_db()


def unmerge_ticket(*, ticket: Ticket, by: User) -> None:
    """Undo a merge and restore the status before it."""
    _require_permission(by)
    if ticket.merged_into is None:
        return
    _require_access_to_both(by, ticket, ticket.merged_into, "")
    with transaction.atomic():
        source, target = lock_both(ticket, ticket.merged_into)
        if source.merged_into_id != target.pk:
            return
        source.merged_into = None
        save(source, "merged_into")
        save(target)
        record(source, Event.Kind.MERGED, by, data=MergedData(target=target.pk, undone=True))
        record(target, Event.Kind.MERGED, by, data=MergedData(source=source.pk, undone=True))
        _restore_status(source, by)
    ticket.refresh_from_db()


def split_ticket(
    *, message: Message, subject: str, by: User, idempotency_key: uuid.UUID | None = None
) -> Ticket:
    """Create a ticket from one message; the message stays on its ticket, too."""
    _require_permission(by)
    if message.kind == Message.Kind.NOTE:
        raise BadInputError(
            _("An internal note cannot be split into a new ticket: the customer would see it.")
        )
    with transaction.atomic():
        origin = lock(message.ticket)
        key = idempotency_key or uuid.uuid4()
        if earlier := Ticket.objects.filter(idempotency_key=key).first():
            return _require_same_customer(earlier, origin)
        ticket = _create_from_message(origin, message, subject, key)
        record(ticket, Event.Kind.OPENED, by)
        _create_link(ticket, origin, Kind.SPLIT_FROM, by)
        record(ticket, Event.Kind.SPLIT, by, data=SplitData(source=origin.pk))
        data = SplitData(target=ticket.pk, message=message.pk)
        record(origin, Event.Kind.SPLIT, by, data=data)
        save(origin)
    return ticket


def link_tickets(
    *, source: Ticket, target: Ticket, kind: TicketLink.Kind, by: User | None
) -> TicketLink:
    """Link two tickets, for example ``source`` as a duplicate of ``target``."""
    require_agent(by)
    _require_access_to_both(by, source, target, "target")
    with transaction.atomic():
        locked, locked_target = lock_both(source, target)
        if earlier := _find_link(locked, locked_target, kind):
            return earlier
        if kind != Kind.RELATED and _is_linked(locked_target, locked, kind):
            raise BadInputError(
                _("%(other)s already has this link to %(this)s. It cannot point both ways.")
                % {"other": target.number, "this": source.number},
                field="target",
            )
        if kind == Kind.CHILD_OF:
            _require_possible_parent(locked, locked_target)
        link = _create_link(locked, locked_target, kind, by)
        _record_link(Event.Kind.LINKED, locked, locked_target, kind, by)
    source.refresh_from_db()
    target.refresh_from_db()
    return link


def _require_possible_parent(child: Ticket, parent: Ticket) -> None:
    """Raise BadInputError unless there are two levels only, and one parent. Both are locked."""
    params = {"this": child.number, "other": parent.number}
    message = ""
    if child.links.filter(kind=Kind.CHILD_OF).exists():
        message = _("%(this)s is already part of another ticket. Remove that link first.")
    elif child.links_to.filter(kind=Kind.CHILD_OF).exists():
        message = _("%(this)s has parts of its own, so it cannot be part of %(other)s.")
    elif parent.links.filter(kind=Kind.CHILD_OF).exists():
        message = _("%(other)s is itself part of another ticket. Choose that ticket.")
    if message:
        raise BadInputError(message % params, field="target")


def unlink_tickets(*, link: TicketLink, by: User) -> None:
    """Remove a link, unless it is removed already."""
    require_agent(by)
    with transaction.atomic():
        source, target = lock_both(link.source, link.target)
        if TicketLink.objects.filter(pk=link.pk).delete()[0]:
            _record_link(Event.Kind.UNLINKED, source, target, link.kind, by)


def _record_link(
    event_kind: Event.Kind, source: Ticket, target: Ticket, link_kind: str, by: User | None
) -> None:
    at_source = LinkedData(kind=link_kind, other=target.pk)
    at_target = LinkedData(kind=link_kind, other=source.pk, is_target=True)
    record(source, event_kind, by, data=at_source)
    record(target, event_kind, by, data=at_target)
    save(source)
    save(target)


def _require_permission(by: User) -> None:
    if not has_right(by, Right.MERGE):
        raise ForbiddenError(
            _("You do not have permission to merge or split tickets. Ask an administrator.")
        )


def _require_access_to_both(by: User | None, ticket: Ticket, other: Ticket, field: str) -> None:
    """Raise BadInputError for one ticket twice, and for one that the agent may not see."""
    if ticket.pk == other.pk:
        raise BadInputError(
            _("A ticket cannot be linked to itself. Enter another number."), field=field
        )
    for linked in (ticket, other):
        if by and not queries.can_see_ticket(by, linked):
            raise BadInputError(
                _("Ticket %(number)s does not exist.") % {"number": linked.number}, field=field
            )


def _require_mergeable(source: Ticket, target: Ticket, by: User) -> None:
    if obstacle := queries.find_merge_obstacle(by, source, target):
        raise BadInputError(obstacle, field="target")


def _restore_status(source: Ticket, by: User) -> None:
    """Restore the status before the merge; open instead of on hold, whose date may be past."""
    merges = source.events.filter(kind=Event.Kind.MERGED, data__has_key="was")
    last = merges.last()
    data: MergedData = last.data if last else {}
    was = Status(data.get("was", Status.OPEN))
    status = Status.OPEN if was == Status.HOLD else was
    if status != source.status:
        change_status(source, status, None if status == Status.SOLVED else by)


def _require_same_customer(earlier: Ticket, origin: Ticket) -> Ticket:
    if earlier.customer_id != origin.customer_id:
        raise BadInputError(_("This form was submitted by somebody else. Reload the page."))
    return earlier


def _create_from_message(origin: Ticket, message: Message, subject: str, key: uuid.UUID) -> Ticket:
    ticket = Ticket.objects.create(
        customer=origin.customer,
        subject=subject,
        description=message.body,
        priority=origin.priority,
        team=origin.team,
        idempotency_key=key,
    )
    Attachment.objects.bulk_create(
        Attachment(ticket=ticket, file=attachment.file) for attachment in message.attachments.all()
    )
    cache.invalidate(cache.TICKETS)
    return ticket


def _create_link(source: Ticket, target: Ticket, kind: str, by: User | None) -> TicketLink:
    return TicketLink.objects.create(source=source, target=target, kind=kind, created_by=by)


def _find_link(source: Ticket, target: Ticket, kind: str) -> TicketLink | None:
    """Return this link if it exists; the kind RELATED has no direction."""
    link = TicketLink.objects.filter(source=source, target=target, kind=kind).first()
    if link is None and kind == Kind.RELATED:
        return TicketLink.objects.filter(source=target, target=source, kind=kind).first()
    return link


def _is_linked(start: Ticket, end: Ticket, kind: str) -> bool:
    """Return whether links of this kind lead from ``start`` to ``end``, directly or not."""
    visited: set[int] = set()
    frontier = {start.pk}
    while frontier and end.pk not in frontier:
        visited |= frontier
        links = TicketLink.objects.filter(source__in=frontier, kind=kind)
        frontier = set(links.values_list("target", flat=True)) - visited
    return end.pk in frontier
