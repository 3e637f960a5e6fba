"""Services that change many tickets at once and undo that.

A bulk change is a row that processes work through batch by batch, so that any of them can finish
what another one left.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID, uuid4, uuid5

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from procrastinate.contrib.django import app as jobs

from appliance.accounts.models import Team, User
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError, ForbiddenError, SkerryError
from appliance.core.logs import run_or_log
from appliance.tickets import queries
from appliance.tickets.models import BulkChange, Priority, Status, Ticket, TicketCategory
from appliance.tickets.services import properties, tags
from appliance.tickets.services.events import lock

MAX_TICKETS = 1000  # in one bulk change
MAX_SYNCHRONOUS = 100  # tickets that are changed before the request is answered
BATCH_SIZE = 25  # tickets in one transaction
UNDO_LIMIT = timedelta(seconds=60)
ABANDONED_AFTER = timedelta(minutes=1)
RELATED_MODELS: dict[str, type[TicketCategory | Team | User]] = {
    "category": TicketCategory,
    "team": Team,
    "assignee": User,
}
TAG_CHANGES = ("add_tags", "remove_tags")
# In this order: the team decides who can be the assignee. Status comes last, because solving needs
# the required fields of the category.
ORDER = ("category", "team", "assignee", "priority", *TAG_CHANGES)

Values = dict[str, Any]  # by name of property, as JSON holds them: a primary key for an object


class Setter(Protocol):
    """Sets one property of a ticket. Called again with the same key it does nothing more."""

    def __call__(self, *, ticket: Ticket, value: Any, by: User, key: UUID) -> None: ...


_registered_setters: dict[str, Setter] = {}
_registered_restorers: dict[str, Setter] = {}
_registered_labels: dict[str, Callable[[Any], str]] = {}


def register_bulk_change(
    name: str,
    setter: Setter,
    *,
    restorer: Setter | None = None,
    label: Callable[[Any], str] | None = None,
) -> None:
    """Let bulk changes call a setter of another room.

    It replaces the setter of a property, or adds a change that is applied after the others and
    before the status. ``restorer`` sets the earlier value in an undo, by default the setter does.
    ``label`` describes the value of an added one.
    """
    _registered_setters[name] = setter
    if restorer:
        _registered_restorers[name] = restorer
    if label:
        _registered_labels[name] = label


def start_bulk_change(
    *,
    by: User,
    tickets: Sequence[int],
    changes: Values,
    idempotency_key: UUID | None = None,
) -> BulkChange:
    """Change tickets, given by primary key, and return the row that tells how far it is.

    ``changes`` has any of assignee, team, status, priority and category, add_tags and remove_tags
    (lists of names), and what other rooms register. The same key with the same changes returns the
    row of the first call.
    """
    if not queries.can_change_in_bulk(by):
        raise ForbiddenError(
            _("You do not have permission to bulk edit tickets. Ask an administrator.")
        )
    if earlier := queries.find_bulk_change(by, idempotency_key):
        return _require_same_changes(earlier, changes)
    change = _create(by, sorted(set(tickets)), changes, idempotency_key)
    if change.total <= MAX_SYNCHRONOUS:
        finish_bulk_change(change.pk)
    change.refresh_from_db()
    return change


def undo_bulk_change(*, change: BulkChange, by: User) -> None:
    """Restore, within UNDO_LIMIT, the values that still are as the bulk change set them."""
    with transaction.atomic():
        locked = BulkChange.objects.select_for_update().get(pk=change.pk)
        if locked.by_id != by.pk:
            raise ForbiddenError(_("Only the agent who made these changes can undo them."))
        if locked.undone_at is None:
            _require_undoable(locked)
            locked.undone_at = timezone.now()
            locked.undo_pending = list(dict.fromkeys(entry[0] for entry in locked.before))
            locked.save(update_fields=["undone_at", "undo_pending"])
            _queue_rest(locked, len(locked.undo_pending))
    if len(locked.undo_pending) <= MAX_SYNCHRONOUS:
        finish_bulk_change(change.pk)
    change.refresh_from_db()


def finish_bulk_change(change_id: UUID) -> None:
    """Work through the rest of a bulk change or its undo. Safe to call at any time, in parallel."""
    while _process_batch(change_id):
        pass


def finish_abandoned_bulk_changes() -> int:
    """Finish bulk changes whose process died and return their number."""
    since = timezone.now() - ABANDONED_AFTER
    abandoned = BulkChange.objects.filter(
        Q(finished_at=None, at__lt=since) | Q(undo_finished_at=None, undone_at__lt=since)
    )
    ids = list(abandoned.values_list("pk", flat=True))
    return sum(run_or_log("finish", partial(_finish, pk), change=str(pk)) for pk in ids)


def _finish(change_id: UUID) -> bool:
    finish_bulk_change(change_id)
    return True


def undo_seconds(change: BulkChange) -> int:
    """Return for how long the change can still be undone, 0 if it cannot."""
    if change.finished_at is None or change.undone_at or not change.before:
        return 0
    return max(0, int((change.finished_at + UNDO_LIMIT - timezone.now()).total_seconds()))


def _create(by: User, ticket_ids: list[int], changes: Values, key: UUID | None) -> BulkChange:
    _require_valid(ticket_ids, changes)
    try:
        with transaction.atomic():
            change = BulkChange.objects.create(
                pk=key or uuid4(),
                by=by,
                action=_describe(changes),
                changes=changes,
                pending=ticket_ids,
                total=len(ticket_ids),
            )
            _queue_rest(change, len(ticket_ids))
    except IntegrityError:  # the same form was sent twice at the same moment
        if earlier := queries.find_bulk_change(by, key):
            return _require_same_changes(earlier, changes)
        raise BadInputError(
            _("This form was submitted by somebody else. Reload the page.")
        ) from None
    return change


def _require_same_changes(earlier: BulkChange, changes: Values) -> BulkChange:
    if earlier.changes != changes:
        raise BadInputError(
            _("This form was already submitted. Select the tickets again and resubmit.")
        )
    return earlier


def _require_valid(ticket_ids: list[int], changes: Values) -> None:
    if not ticket_ids:
        raise BadInputError(_("Select at least one ticket."))
    if len(ticket_ids) > MAX_TICKETS:
        raise BadInputError(_("Select at most %d tickets.") % MAX_TICKETS)
    if not changes:
        raise BadInputError(_("Choose at least one change."))
    _resolve(changes)


def _require_undoable(change: BulkChange) -> None:
    if change.finished_at is None:
        raise BadInputError(
            _("The change is still running. Wait until it has finished, then undo it.")
        )
    if timezone.now() - change.finished_at > UNDO_LIMIT:
        raise BadInputError(
            _("Undo is possible for one minute only. Change the tickets again instead.")
        )


def _queue_rest(change: BulkChange, size: int) -> None:
    """Queue a job, which starts after the commit, unless the request does all of it."""
    if size > MAX_SYNCHRONOUS:
        jobs.configure_task("tickets.finish_bulk_change").defer(change_id=str(change.pk))


def _resolve(changes: Values) -> Values:
    """Replace primary keys by objects. Raises BadInputError for a change that is not possible."""
    if unknown := changes.keys() - {*ORDER, "status", *_registered_setters}:
        raise BadInputError(_("The property %s is unknown.") % ", ".join(sorted(unknown)))
    return {name: _resolve_value(name, value) for name, value in changes.items()}


def _resolve_value(name: str, value: Any) -> Any:
    if name in TAG_CHANGES:
        tags.check_tag_names(value, field=name)
    if name not in RELATED_MODELS or value is None:
        return value
    related = RELATED_MODELS[name]._default_manager.filter(pk=value).first()
    if related is None:
        raise BadInputError(_("The selected value no longer exists. Reload the page."), field=name)
    return related


def _describe(changes: Values) -> str:
    """Return the changes as text, for the page that shows what was changed."""
    labels = {
        "category": _("category"),
        "team": _("team"),
        "assignee": _("assignee"),
        "priority": _("priority"),
        "status": _("status"),
        "add_tags": _("add tags"),
        "remove_tags": _("remove tags"),
    }
    texts = [
        _registered_labels[name](value)
        if name in _registered_labels
        else f"{labels[name]}: {_value_label(name, value)}"
        for name, value in _resolve(changes).items()
    ]
    return Truncator(", ".join(texts)).chars(200)


def _value_label(name: str, value: Any) -> str:
    if name == "priority":
        return str(Priority(value).label)
    if name == "status":
        return str(Status(value).label)
    return ", ".join(value) if isinstance(value, list) else str(value or pgettext("value", "none"))


@transaction.atomic
def _process_batch(change_id: UUID) -> bool:
    """Change or restore the next tickets. Return whether any may be left."""
    change = (
        BulkChange.objects.select_for_update(of=["self"]).select_related("by").get(pk=change_id)
    )
    # the worker, too, writes why a ticket was skipped in the language of who will read it
    with translation.override(change.by.language or core_queries.locale_defaults()[0]):
        if change.finished_at is None:
            return _apply_batch(change)
        if change.undone_at and change.undo_finished_at is None:
            return _undo_batch(change)
    return False


def _apply_batch(change: BulkChange) -> bool:
    batch, change.pending = change.pending[:BATCH_SIZE], change.pending[BATCH_SIZE:]
    for ticket_id, ticket in _lock_visible(change.by, batch):
        try:
            change.before += _change_ticket(change, ticket)
        except SkerryError as error:
            change.skipped.append([ticket_id, str(error)])
    if not change.pending:
        change.finished_at = timezone.now()
    change.save(update_fields=["pending", "before", "skipped", "finished_at"])
    return bool(change.pending)


def _undo_batch(change: BulkChange) -> bool:
    batch, change.undo_pending = change.undo_pending[:BATCH_SIZE], change.undo_pending[BATCH_SIZE:]
    for ticket_id, ticket in _lock_visible(change.by, batch):
        entries = [entry for entry in change.before if entry[0] == ticket_id]
        try:
            if not _restore_ticket(change.by, ticket, entries):
                change.undo_skipped.append([ticket_id, _("changed since")])
        except SkerryError as error:
            change.undo_skipped.append([ticket_id, str(error)])
    if not change.undo_pending:
        change.undo_finished_at = timezone.now()
    change.save(update_fields=["undo_pending", "undo_skipped", "undo_finished_at"])
    return bool(change.undo_pending)


def _lock_visible(by: User, ticket_ids: list[int]) -> list[tuple[int, Ticket | None]]:
    """Return the tickets in the order of the ids, None for those the agent may no longer change.

    All are locked before anything else is, so that no two bulk changes wait for each other.
    """
    tickets = Ticket.objects.visible_to(by).filter(pk__in=ticket_ids).order_by("pk")
    if not queries.can_change_in_bulk(by):
        tickets = tickets.none()
    visible = {ticket.pk: ticket for ticket in tickets.select_for_update(of=["self"])}
    return [(ticket_id, visible.get(ticket_id)) for ticket_id in ticket_ids]


@transaction.atomic
def _change_ticket(change: BulkChange, ticket: Ticket | None) -> list[list[Any]]:
    """Apply all changes to a ticket, or none. Return entries for ``BulkChange.before``."""
    locked = _lock_existing(ticket)
    before = _read_values(locked)
    changes = _resolve(change.changes)
    registered = [name for name in changes if name not in (*ORDER, "status")]
    for name in (*ORDER, *registered, "status"):
        if name in changes:
            key = uuid5(change.pk, f"{name} {locked.pk}")
            _set_value(locked, name, changes[name], change.by, key)
    after = _read_values(Ticket.objects.get(pk=locked.pk))
    return [
        [locked.pk, name, before[name], after[name]]
        for name in before
        if before[name] != after[name]
    ]


@transaction.atomic
def _restore_ticket(by: User, ticket: Ticket | None, entries: list[list[Any]]) -> bool:
    """Restore the values that nobody changed since. Return whether these were all."""
    locked = _lock_existing(ticket)
    current = _read_values(locked)
    restorable = {name: before for _id, name, before, after in entries if current[name] == after}
    for name, value in restorable.items():
        resolved = _resolve_value(name, value)
        if name in _registered_restorers:
            _registered_restorers[name](ticket=locked, value=resolved, by=by, key=uuid4())
        else:
            _set_value(locked, name, resolved, by, uuid4())
    return len(restorable) == len(entries)


def _lock_existing(ticket: Ticket | None) -> Ticket:
    if ticket is None:
        raise BadInputError(_("deleted or restricted"))
    return lock(ticket)


def _read_values(ticket: Ticket) -> Values:
    """Return all values that a bulk change can set, in the order in which they are restored."""
    resume_at = ticket.resume_at.isoformat() if ticket.resume_at else None
    resume_on = ticket.resume_on.isoformat() if ticket.resume_on else None
    return {
        "category": ticket.category_id,
        "team": ticket.team_id,
        "assignee": ticket.assignee_id,
        "priority": ticket.priority,
        "tags": sorted(ticket.tags.values_list("name", flat=True)),
        "status": [ticket.status, resume_at, resume_on],
    }


def _set_value(ticket: Ticket, name: str, value: Any, by: User, key: UUID) -> None:
    if name in _registered_setters:
        _registered_setters[name](ticket=ticket, value=value, by=by, key=key)
        return
    match name:
        case "category":
            properties.set_category(ticket=ticket, category=value, by=by)
        case "team":
            properties.set_team(ticket=ticket, team=value, by=by)
        case "assignee":
            properties.assign(ticket=ticket, assignee=value, by=by)
        case "priority":
            properties.set_priority(ticket=ticket, priority=Priority(value), by=by)
        case "add_tags":
            tags.add_tags(ticket=ticket, names=value, by=by)
        case "remove_tags":
            tags.remove_tags(ticket=ticket, names=value, by=by)
        case "tags":
            tags.set_tags(ticket=ticket, names=value, by=by)
        case "status":
            _set_status(ticket, value, by)


def _set_status(ticket: Ticket, value: Any, by: User) -> None:
    """Set a status; or restore a list of status, resume time and day of ``_read_values``."""
    status, until, on, *_ = [*value, None] if isinstance(value, list) else [value, None, None]
    if status == Status.HOLD:
        until_time = datetime.fromisoformat(until) if until else None
        day = date.fromisoformat(on) if on else None
        properties.hold_ticket(ticket=ticket, until=until_time, on=day, by=by)
    else:
        properties.set_status(ticket=ticket, status=Status(status), by=by)
