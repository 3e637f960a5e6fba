"""Many tickets changed at once, in steps that each stand or fall whole, and taken back in a minute.

A few are changed while the person waits, more by the worker. Either way a step locks the row of the
change, takes the next tickets from it, changes them through the ordinary verbs and writes down what
they were before. Whoever dies in between has done whole steps; the next one goes on from there.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs

from appliance.accounts.models import User
from appliance.core.errors import BadInputError, ForbiddenError, SkerryError
from appliance.core.logs import run_or_log
from appliance.tickets import queries
from appliance.tickets.models import BulkChange, Ticket
from appliance.tickets.services import properties_of_many as many

MOST = 1000  # tickets in one change
AT_ONCE = 100  # tickets changed while the person waits
STEP = 25  # tickets in one transaction
UNDO = timedelta(seconds=60)
ABANDONED = timedelta(minutes=1)  # a change nobody has finished by then was left in the middle


def change_many(
    *, by: User, tickets: Sequence[int], changes: dict, submission_key: UUID | None = None
) -> BulkChange:
    """Assignee, team, status, priority, category (ids and raw values; absent: left alone),
    add_tags and remove_tags (names), and whatever rooms above offer. The same key sent again
    gives the change made the first time.
    """
    if not queries.may_change_many(by):
        raise ForbiddenError(_("Your role does not permit bulk changes."))
    if earlier := queries.find_bulk_change(by, submission_key):
        return _same(earlier, changes)
    change = _start(by, sorted(set(tickets)), changes, submission_key)
    if change.total <= AT_ONCE:
        finish_change(change.pk)
    change.refresh_from_db()
    return change


def undo_many(*, change: BulkChange, by: User) -> None:
    """Within a minute: back to what it was, wherever it still is what the change made it."""
    with transaction.atomic():
        locked = BulkChange.objects.select_for_update().get(pk=change.pk)
        if locked.by_id != by.pk:
            raise ForbiddenError(_("Only the agent who made these changes can undo them."))
        if locked.undone_at is None:
            _refuse_undo(locked)
            locked.undone_at = timezone.now()
            locked.undo_pending = list(dict.fromkeys(entry[0] for entry in locked.before))
            locked.save(update_fields=["undone_at", "undo_pending"])
            _wake(locked, len(locked.undo_pending))
    if len(locked.undo_pending) <= AT_ONCE:
        finish_change(change.pk)
    change.refresh_from_db()


def finish_change(change_id: UUID) -> None:
    """Step by step until nothing is left of it. Anybody may call it, any number at once."""
    while _step(change_id):
        pass


def finish_abandoned_changes() -> int:
    """Go on with what a process that died has left. How many were finished."""
    since = timezone.now() - ABANDONED
    left = BulkChange.objects.filter(finished_at=None, at__lt=since) | BulkChange.objects.filter(
        undo_finished_at=None, undone_at__lt=since
    )
    ids = list(left.values_list("pk", flat=True))
    return sum(run_or_log("finish", partial(_finish, pk), change=str(pk)) for pk in ids)


def _finish(change_id: UUID) -> bool:
    finish_change(change_id)
    return True


def undo_seconds(change: BulkChange) -> int:
    """How long it can still be taken back; 0 when it cannot."""
    if change.finished_at is None or change.undone_at or not change.before:
        return 0
    return max(0, int((change.finished_at + UNDO - timezone.now()).total_seconds()))


def _same(earlier: BulkChange, changes: dict) -> BulkChange:
    if earlier.changes != changes:
        raise BadInputError(_("This form was already submitted. Select the tickets again and resubmit."))
    return earlier


def _start(by: User, tickets: list[int], changes: dict, key: UUID | None) -> BulkChange:
    _refuse(tickets, changes)
    action = many.describe(changes)
    try:
        with transaction.atomic():
            change = BulkChange.objects.create(
                **({"pk": key} if key else {}),
                by=by,
                action=action,
                changes=changes,
                pending=tickets,
                total=len(tickets),
            )
            _wake(change, len(tickets))
    except IntegrityError:  # the same form, sent twice at the same moment
        if earlier := queries.find_bulk_change(by, key):
            return _same(earlier, changes)
        raise BadInputError(_("This form was submitted by somebody else. Reload the page.")) from None
    return change


def _refuse(tickets: list[int], changes: dict) -> None:
    if not tickets:
        raise BadInputError(_("Select at least one ticket."))
    if len(tickets) > MOST:
        raise BadInputError(_("Select at most %d tickets.") % MOST)
    if not changes:
        raise BadInputError(_("Choose at least one change."))
    many.resolve(changes)


def _refuse_undo(change: BulkChange) -> None:
    if change.finished_at is None:
        raise BadInputError(_("The change is still running. Wait until it has finished, then undo it."))
    if timezone.now() - change.finished_at > UNDO:
        raise BadInputError(
            _("Undo is possible for one minute only. Change the tickets again instead.")
        )


def _wake(change: BulkChange, size: int) -> None:
    """The worker begins when this transaction is committed; not for what is done at once."""
    if size > AT_ONCE:
        jobs.configure_task("tickets.finish_bulk_change").defer(change_id=str(change.pk))


@transaction.atomic
def _step(change_id: UUID) -> bool:
    """The next few tickets. Whether anything may be left."""
    change = (
        BulkChange.objects.select_for_update(of=["self"]).select_related("by").get(pk=change_id)
    )
    if change.finished_at is None:
        return _step_forward(change)
    if change.undone_at and change.undo_finished_at is None:
        return _step_back(change)
    return False


def _step_forward(change: BulkChange) -> bool:
    now, change.pending = change.pending[:STEP], change.pending[STEP:]
    for ticket_id, ticket in _visible(change.by, now):
        try:
            change.before += _change_one(change, ticket)
        except SkerryError as refusal:
            change.skipped.append([ticket_id, str(refusal)])
    if not change.pending:
        change.finished_at = timezone.now()
    change.save(update_fields=["pending", "before", "skipped", "finished_at"])
    return bool(change.pending)


def _step_back(change: BulkChange) -> bool:
    now, change.undo_pending = change.undo_pending[:STEP], change.undo_pending[STEP:]
    for ticket_id, ticket in _visible(change.by, now):
        entries = [entry for entry in change.before if entry[0] == ticket_id]
        try:
            if _undo_one(change.by, ticket, entries):
                change.undo_skipped.append([ticket_id, _("changed since")])
        except SkerryError as refusal:
            change.undo_skipped.append([ticket_id, str(refusal)])
    if not change.undo_pending:
        change.undo_finished_at = timezone.now()
    change.save(update_fields=["undo_pending", "undo_skipped", "undo_finished_at"])
    return bool(change.undo_pending)


def _visible(by: User, ids: list[int]) -> list[tuple[int, Ticket | None]]:
    """In the order of the ids; those the person no longer sees are None.

    All are locked before anything else is, so that no two changes wait for each other.
    """
    wanted = Ticket.objects.visible_to(by).filter(pk__in=ids).order_by("pk")
    seen = {ticket.pk: ticket for ticket in wanted.select_for_update(of=["self"])}
    return [(ticket_id, seen.get(ticket_id)) for ticket_id in ids]


@transaction.atomic
def _change_one(change: BulkChange, ticket: Ticket | None) -> list[list]:
    """What was changed on the ticket, as ``before`` keeps it; all of it or nothing."""
    locked = many.lock_if_there(ticket)
    was = many.properties_of(locked)
    many.apply(change, locked)
    became = many.properties_of(Ticket.objects.get(pk=locked.pk))
    return [[locked.pk, name, was[name], became[name]] for name in was if was[name] != became[name]]


@transaction.atomic
def _undo_one(by: User, ticket: Ticket | None, entries: list[list]) -> bool:
    """Puts back what still is as the change left it. Whether anything was not, and stays."""
    locked = many.lock_if_there(ticket)
    now = many.properties_of(locked)
    mine = {name: was for _id, name, was, became in entries if now[name] == became}
    many.put_back(locked, mine, by)
    return len(mine) < len(entries)
