"""Services that answer or solve a parent together with the tickets that are part of it.

Nothing is sent for a minute, in which it can be undone. Each ticket is changed in a transaction of
its own that also takes it off the list, so that a killed worker neither loses nor repeats one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4, uuid5

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs

from appliance.accounts.models import User
from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError, ForbiddenError, SkerryError
from appliance.core.logs import run_or_log
from appliance.files import services as files_services
from appliance.tickets import queries
from appliance.tickets.models import Attachment, ChildUpdate, Message, Status, Ticket
from appliance.tickets.services import messages, properties
from appliance.tickets.services.events import lock, require_agent

UNDO_LIMIT = timedelta(seconds=60)
MAX_CHILDREN = 1000  # that are answered at once


def reply_to_children(
    *,
    parent: Ticket,
    by: User,
    body: str,
    status: Status | None = None,
    files: Iterable[UploadedFile] = (),
    cc: Iterable[tuple[str, str]] = (),
    seen_message_id: int | None = None,
    draft_key: UUID | None = None,
    restored_at: datetime | None = None,
    idempotency_key: UUID | None = None,
) -> ChildUpdate:
    """Send a reply, in a minute, on the parent and on each of its children the agent may see.

    ``status`` is set on all of them. Raises BadInputError as ``reply`` does: without children, on a
    closed parent, or when somebody else replied to it since ``seen_message_id``.
    """
    with files_services.atomic():
        locked = lock(parent)
        if earlier := _find_earlier(locked, by, idempotency_key):
            return earlier
        messages.require_open(locked, by, seen_message_id)
        update = _create(locked, by, idempotency_key, body=body, status=status)
        update.pending = [locked.pk, *update.pending]
        update.total, update.cc = len(update.pending), [list(person) for person in cc]
        update.save(update_fields=["pending", "total", "cc"])
        update.files.set([files_services.store(upload=upload, by=by) for upload in files])
        messages.discard_draft(
            ticket=locked, by=by, draft_key=draft_key or uuid4(), restored_at=restored_at
        )
    return update


@transaction.atomic
def solve_children(*, parent: Ticket, by: User, idempotency_key: UUID | None = None) -> ChildUpdate:
    """Solve, in a minute, the children of a parent that the agent may see."""
    locked = lock(parent)
    if earlier := _find_earlier(locked, by, idempotency_key):
        return earlier
    return _create(locked, by, idempotency_key, status=Status.SOLVED)


def undo_child_update(*, update: ChildUpdate, by: User) -> None:
    """Take a reply or a solution back before it goes out; the text becomes a draft again."""
    with transaction.atomic():
        locked = ChildUpdate.objects.select_for_update(of=["self"]).get(pk=update.pk)
        if locked.by_id != by.pk:
            raise ForbiddenError(_("Only the agent who made these changes can undo them."))
        if locked.undone_at is None:
            if timezone.now() >= locked.due_at or locked.finished_at:
                raise BadInputError(_("It has gone out already and cannot be undone any more."))
            _undo(locked, by)
    update.refresh_from_db()


def finish_child_update(update_id: UUID) -> None:
    """Work through the rest of an update that is due. Safe to call at any time, in parallel."""
    while _process_next(update_id):
        pass


def finish_due_child_updates() -> int:
    """Finish the updates that are due, such as those a killed worker left; return their number."""
    due = ChildUpdate.objects.filter(
        finished_at=None, undone_at=None, due_at__lte=timezone.now()
    ).order_by("due_at")
    ids = list(due.values_list("pk", flat=True))
    return sum(run_or_log("finish", partial(_finish, pk), update=str(pk)) for pk in ids)


def _finish(update_id: UUID) -> bool:
    finish_child_update(update_id)
    return True


def _find_earlier(parent: Ticket, by: User, key: UUID | None) -> ChildUpdate | None:
    """Return the update of an earlier call with the key. The parent must be locked."""
    earlier = ChildUpdate.objects.filter(pk=key).first() if key else None
    if earlier and (earlier.by_id, earlier.parent_id) != (by.pk, parent.pk):
        raise BadInputError(_("This form was submitted by somebody else. Reload the page."))
    return earlier


def _create(
    parent: Ticket, by: User, key: UUID | None, *, body: str = "", status: Status | None
) -> ChildUpdate:
    require_agent(by)
    rows = queries.list_children(by, parent)
    if not body:
        rows = rows.exclude(status=Status.SOLVED)
    children = list(rows.values_list("pk", flat=True))
    if not children:
        raise BadInputError(_("%(this)s has no linked tickets.") % {"this": parent.number})
    if len(children) > MAX_CHILDREN:
        raise BadInputError(_("Select at most %d tickets.") % MAX_CHILDREN)
    update = ChildUpdate.objects.create(
        pk=key or uuid4(),
        parent=parent,
        by=by,
        body=body,
        status=status or "",
        is_reply=bool(body),
        pending=children,
        total=len(children),
        due_at=timezone.now() + UNDO_LIMIT,
    )
    job = jobs.configure_task(
        "tickets.finish_child_update", schedule_in={"seconds": UNDO_LIMIT.total_seconds()}
    )
    job.defer(update_id=str(update.pk))
    cache.invalidate(cache.TICKETS)
    return update


def _undo(locked: ChildUpdate, by: User) -> None:
    if locked.body:
        messages.save_draft(
            ticket=locked.parent,
            by=by,
            kind=Message.Kind.REPLY,
            body=locked.body,
            draft_key=uuid4(),
        )
    files = list(locked.files.all())
    locked.files.clear()
    for stored_file in files:
        files_services.remove(stored_file=stored_file)
    locked.undone_at, locked.body, locked.cc = timezone.now(), "", []
    locked.save(update_fields=["undone_at", "body", "cc"])
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def _process_next(update_id: UUID) -> bool:
    """Change the next ticket. Return whether any may be left."""
    updates = ChildUpdate.objects.select_for_update(of=["self"]).select_related("by")
    update = updates.filter(pk=update_id).first()
    if update is None or update.is_over or timezone.now() < update.due_at:
        return False
    if update.pending:
        with translation.override(update.by.language or core_queries.locale_defaults()[0]):
            _change_next(update)
    if not update.pending:
        update.finished_at, update.body, update.cc = timezone.now(), "", []
        cache.invalidate(cache.TICKETS)
    update.save(
        update_fields=["pending", "changed", "skipped", "finished_at", "body", "cc"],
    )
    return bool(update.pending)


def _change_next(update: ChildUpdate) -> None:
    ticket_id, *update.pending = update.pending
    try:
        with transaction.atomic():
            _change(update, ticket_id)
    except SkerryError as error:
        update.skipped.append([ticket_id, str(error)])
    else:
        update.changed.append(ticket_id)


def _change(update: ChildUpdate, ticket_id: int) -> None:
    """Change one ticket. Raises SkerryError with the reason why it is skipped."""
    ticket = Ticket.objects.visible_to(update.by).filter(pk=ticket_id).first()
    is_parent = ticket_id == update.parent_id
    if ticket is None:
        raise BadInputError(_("deleted or restricted"))
    if not is_parent and not queries.list_children(update.by, update.parent).contains(ticket):
        raise BadInputError(_("no longer linked"))
    status = Status(update.status) if update.status else None
    if not update.is_reply:
        _solve(ticket, update.by)
        return
    message = messages.reply(
        ticket=ticket,
        by=update.by,
        body=update.body,
        status=status,
        cc=[(name, email) for name, email in update.cc] if is_parent else (),
        idempotency_key=uuid5(update.pk, str(ticket_id)),
    )
    Attachment.objects.bulk_create(
        Attachment(ticket=ticket, message=message, file=stored_file)
        for stored_file in update.files.all()
    )


def _solve(ticket: Ticket, by: User) -> None:
    if ticket.merged_into_id:
        raise BadInputError(_("merged into another ticket"))
    if ticket.status == Status.CLOSED:
        raise BadInputError(_("closed already"))
    if ticket.status != Status.SOLVED:
        properties.set_status(ticket=ticket, status=Status.SOLVED, by=by)
