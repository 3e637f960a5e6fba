"""Verbs on how tickets hang together: merge, split, link, and the ways back."""

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
    """Close ``source`` as part of ``target``, which shows what was said on both.

    Nothing is moved, so ``unmerge_ticket`` brings all of it back.
    """
    _require_permission(by)
    _require_access_to_both(by, source, target, "target")
    with transaction.atomic():
        source_, target_ = lock_both(source, target)
        if source_.merged_into_id == target_.pk:
            return
        _require_mergeable(source_, target_)
        was = source_.status
        change_status(source_, Status.CLOSED, by)
        source_.merged_into = target_
        save(source_, "merged_into")
        save(target_)
        record(source_, Event.Kind.MERGED, by, data=MergedData(target=target_.pk, was=was))
        record(target_, Event.Kind.MERGED, by, data=MergedData(source=source_.pk))
    _refresh_tickets(source, target)


def unmerge_ticket(*, ticket: Ticket, by: User) -> None:
    """Give the ticket back its own life, in the status it had."""
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
    """A ticket of its own for what one message says; the message stays where it was said."""
    _require_permission(by)
    if message.kind == Message.Kind.NOTE:
        raise BadInputError(
            _("An internal note cannot be split into a new ticket: the customer would see it.")
        )
    with transaction.atomic():
        origin = lock(message.ticket)
        key = idempotency_key or uuid.uuid4()
        if earlier := Ticket.objects.filter(idempotency_key=key).first():
            return _is_same_request(earlier, origin)
        ticket = _create_from_message(origin, message, subject, key)
        record(ticket, Event.Kind.OPENED, by)
        _create_link(ticket, origin, Kind.SPLIT_FROM, by)
        record(ticket, Event.Kind.SPLIT, by, data=SplitData(source=origin.pk))
        data = SplitData(target=ticket.pk, message=message.pk)
        record(origin, Event.Kind.SPLIT, by, data=data)
        save(origin)
    return ticket


def link_tickets(*, source: Ticket, target: Ticket, kind: TicketLink.Kind, by: User) -> TicketLink:
    """Say that ``source`` is a duplicate of, is caused by … ``target``."""
    require_agent(by)
    _require_access_to_both(by, source, target, "target")
    with transaction.atomic():
        source_, target_ = lock_both(source, target)
        if earlier := _find_link(source_, target_, kind):
            return earlier
        if kind != Kind.RELATED and _is_linked(target_, source_, kind):
            raise BadInputError(
                _("%(other)s already has this link to %(this)s. It cannot point both ways.")
                % {"other": target_.number, "this": source_.number},
                field="target",
            )
        link = _create_link(source_, target_, kind, by)
        _record_link(Event.Kind.LINKED, source_, target_, kind, by)
    _refresh_tickets(source, target)
    return link


def unlink_tickets(*, link: TicketLink, by: User) -> None:
    """Take the link away; taken away already is fine."""
    require_agent(by)
    with transaction.atomic():
        source, target = lock_both(link.source, link.target)
        if TicketLink.objects.filter(pk=link.pk).delete()[0]:
            _record_link(Event.Kind.UNLINKED, source, target, link.kind, by)


def _record_link(
    event_kind: Event.Kind, source: Ticket, target: Ticket, link_kind: str, by: User
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


def _require_access_to_both(by: User, ticket: Ticket, other: Ticket, field: str) -> None:
    """A ticket that ``by`` does not see is as good as none."""
    if ticket.pk == other.pk:
        raise BadInputError(
            _("A ticket cannot be linked to itself. Enter another number."), field=field
        )
    for row in (ticket, other):
        if not queries.can_see_ticket(by, row):
            raise BadInputError(
                _("Ticket %(number)s does not exist.") % {"number": row.number}, field=field
            )


def _require_mergeable(source: Ticket, target: Ticket) -> None:
    params = {"source": source.number, "target": target.number}
    message = ""
    if source.customer_id != target.customer_id:
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
        params["into"] = target.merged_into_id
        message = _("%(target)s is itself merged into SKR-%(into)d. Choose that ticket.")
    elif target.status == Status.CLOSED:
        message = _("%(target)s is closed. Reopen it first, or merge in the other direction.")
    if message:
        raise BadInputError(message % params, field="target")


def _restore_status(source: Ticket, by: User) -> None:
    """As before the merge; what was on hold comes back open, for its date may be over."""
    merges = source.events.filter(kind=Event.Kind.MERGED, data__has_key="was")
    last = merges.last()
    data: MergedData = last.data if last else {}
    was = Status(data.get("was", Status.OPEN))
    status = Status.OPEN if was == Status.HOLD else was
    if status != source.status:
        change_status(source, status, None if status == Status.SOLVED else by)


def _is_same_request(earlier: Ticket, origin: Ticket) -> Ticket:
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
    copies = [Attachment(ticket=ticket, file=sent.file) for sent in message.attachments.all()]
    Attachment.objects.bulk_create(copies)
    cache.invalidate(cache.TICKETS)
    return ticket


def _create_link(source: Ticket, target: Ticket, kind: str, by: User) -> TicketLink:
    return TicketLink.objects.create(source=source, target=target, kind=kind, made_by=by)


def _find_link(source: Ticket, target: Ticket, kind: str) -> TicketLink | None:
    """This very link; two tickets are related to each other in either direction."""
    link = TicketLink.objects.filter(source=source, target=target, kind=kind).first()
    if link is None and kind == Kind.RELATED:
        return TicketLink.objects.filter(source=target, target=source, kind=kind).first()
    return link


def _is_linked(start: Ticket, end: Ticket, kind: str) -> bool:
    """Whether links of this kind go from ``start`` to ``end``, over however many tickets."""
    seen: set[int] = set()
    edge = {start.pk}
    while edge and end.pk not in edge:
        seen |= edge
        links = TicketLink.objects.filter(source__in=edge, kind=kind)
        edge = set(links.values_list("target", flat=True)) - seen
    return end.pk in edge


def _refresh_tickets(*tickets: Ticket) -> None:
    for ticket in tickets:
        ticket.refresh_from_db()
