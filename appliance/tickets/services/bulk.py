"""What can be changed on many tickets, by which verb, and how to put it back."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4, uuid5

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs

from appliance.accounts.models import Team, User
from appliance.core.errors import BadInputError, ForbiddenError, SkerryError
from appliance.core.logs import run_or_log
from appliance.tickets import queries
from appliance.tickets.models import BulkChange, Priority, Status, Ticket, TicketCategory
from appliance.tickets.services import properties, tags
from appliance.tickets.services.events import lock

# In this order: whom a ticket can be given to depends on its team, solving on its category.
RELATED_MODELS = {"category": TicketCategory, "team": Team, "assignee": User}
LABELS = ("category", "team", "assignee", "priority", "add_tags", "remove_tags")
Verb = Callable[..., None]
_offered: dict[str, Verb] = {}
_labels: dict[str, Callable[[object], str]] = {}


def register_bulk_change(name: str, do: Verb, label: Callable[[object], str] | None = None) -> None:
    """A verb of a room above: ``do(ticket=, value=, by=, key=)``. It may take the place of one here
    (then ``value`` is the row) or be a new one, which comes after all but the status.
    """
    _offered[name] = do
    if label:
        _labels[name] = label


def resolve_changes(changes: Mapping[str, object]) -> dict[str, object]:
    """Ids become rows. Raises BadInputError for one that is gone, or a change nobody knows."""
    known = {*LABELS, "status", *_offered}
    if unknown := set(changes) - known:
        raise BadInputError(_("The property %s is unknown.") % ", ".join(sorted(unknown)))
    return {name: _resolve_value(name, value) for name, value in changes.items()}


def _resolve_value(name: str, value: object) -> object:
    if name not in RELATED_MODELS or value is None:
        return value
    row = RELATED_MODELS[name].objects.filter(pk=value).first()
    if row is None:
        raise BadInputError(_("The selected value no longer exists. Reload the page."), field=name)
    return row


def describe_changes(changes: Mapping[str, object]) -> str:
    """In words, for the page that tells what was done."""
    labels = {
        "category": _("category"),
        "team": _("team"),
        "assignee": _("assignee"),
        "priority": _("priority"),
        "status": _("status"),
        "add_tags": _("add tags"),
        "remove_tags": _("remove tags"),
    }
    messages = [
        _labels[name](value) if name in _labels else f"{labels[name]}: {_label_of(name, value)}"
        for name, value in resolve_changes(changes).items()
    ]
    return Truncator(", ".join(messages)).chars(200)


def _label_of(name: str, value: object) -> str:
    if name == "priority":
        return str(Priority(value).label)
    if name == "status":
        return str(Status(value).label)
    return ", ".join(value) if isinstance(value, list) else str(value or _("none"))


def lock_if_there(ticket: Ticket | None) -> Ticket:
    if ticket is None:
        raise BadInputError(_("deleted or restricted"))
    return lock(ticket)


def apply_changes(change: BulkChange, ticket: Ticket) -> None:
    """All that was asked, through the ordinary verbs: one event a change."""
    changes = resolve_changes(change.changes)
    last = {"status": changes.pop("status")} if "status" in changes else {}
    ordered = sorted(changes, key=lambda name: (*LABELS, name).index(name))
    for name in [*ordered, *last]:
        _apply_property(name, ticket, (changes | last)[name], change)


def _apply_property(name: str, ticket: Ticket, value: object, change: BulkChange) -> None:
    if name in _offered:
        key = uuid5(change.pk, f"{name} {ticket.pk}")
        _offered[name](ticket=ticket, value=value, by=change.by, key=key)
    else:
        _service_for(name)(ticket, value, change.by)


def _service_for(name: str) -> Verb:
    return {
        "category": lambda t, v, by: properties.set_category(ticket=t, category=v, by=by),
        "team": lambda t, v, by: properties.set_team(ticket=t, team=v, by=by),
        "assignee": lambda t, v, by: properties.assign(ticket=t, assignee=v, by=by),
        "priority": lambda t, v, by: properties.set_priority(ticket=t, priority=Priority(v), by=by),
        "add_tags": lambda t, v, by: tags.add_tags(ticket=t, names=v, by=by),
        "remove_tags": lambda t, v, by: tags.remove_tags(ticket=t, names=v, by=by),
        "tags": lambda t, v, by: tags.set_tags(ticket=t, names=v, by=by),
        "status": _set_status,
    }[name]


def _set_status(ticket: Ticket, value: object, by: User) -> None:
    """A status, or a pair with the date a ticket on hold comes back."""
    name, until = value if isinstance(value, list) else (value, None)
    if name == Status.HOLD and until:
        properties.hold_ticket(ticket=ticket, until=datetime.fromisoformat(until), by=by)
    else:
        properties.set_status(ticket=ticket, status=Status(name), by=by)


def snapshot(ticket: Ticket) -> dict[str, object]:
    """All a change can touch, as JSON holds it, in the order it is put back."""
    until = ticket.resume_at.isoformat() if ticket.resume_at else None
    return {
        "category": ticket.category_id,
        "team": ticket.team_id,
        "assignee": ticket.assignee_id,
        "priority": ticket.priority,
        "tags": sorted(ticket.tags.values_list("name", flat=True)),
        "status": [ticket.status, until],
    }


def restore_snapshot(ticket: Ticket, was: dict[str, object], by: User) -> None:
    for name, value in was.items():
        row = _resolve_value(name, value)
        if name in _offered:
            _offered[name](ticket=ticket, value=row, by=by, key=uuid4())
        else:
            _service_for(name)(ticket, row, by)


MAX_TICKETS = 1000  # tickets in one change
MAX_SYNCHRONOUS = 100  # tickets changed while the person waits
BATCH_SIZE = 25  # tickets in one transaction
UNDO_LIMIT = timedelta(seconds=60)
ABANDONED_AFTER = timedelta(
    minutes=1
)  # a change nobody has finished by then was left in the middle


def start_bulk_change(
    *, by: User, tickets: Sequence[int], changes: dict, idempotency_key: UUID | None = None
) -> BulkChange:
    """Assignee, team, status, priority, category (ids and raw values; absent: left alone),
    add_tags and remove_tags (names), and whatever rooms above offer. The same key sent again
    gives the change made the first time.
    """
    if not queries.can_change_in_bulk(by):
        raise ForbiddenError(
            _("You do not have permission to bulk edit tickets. Ask an administrator.")
        )
    if earlier := queries.find_bulk_change(by, idempotency_key):
        return _is_same_request(earlier, changes)
    change = _start(by, sorted(set(tickets)), changes, idempotency_key)
    if change.total <= MAX_SYNCHRONOUS:
        finish_bulk_change(change.pk)
    change.refresh_from_db()
    return change


def undo_bulk_change(*, change: BulkChange, by: User) -> None:
    """Within a minute: back to what it was, wherever it still is what the change made it."""
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
    """Step by step until nothing is left of it. Anybody may call it, any number at once."""
    while _process_batch(change_id):
        pass


def finish_abandoned_bulk_changes() -> int:
    """Go on with what a process that died has left. How many were finished."""
    since = timezone.now() - ABANDONED_AFTER
    left = BulkChange.objects.filter(finished_at=None, at__lt=since) | BulkChange.objects.filter(
        undo_finished_at=None, undone_at__lt=since
    )
    ids = list(left.values_list("pk", flat=True))
    return sum(run_or_log("finish", partial(_finish, pk), change=str(pk)) for pk in ids)


def _finish(change_id: UUID) -> bool:
    finish_bulk_change(change_id)
    return True


def undo_seconds(change: BulkChange) -> int:
    """How long it can still be taken back; 0 when it cannot."""
    if change.finished_at is None or change.undone_at or not change.before:
        return 0
    return max(0, int((change.finished_at + UNDO_LIMIT - timezone.now()).total_seconds()))


def _is_same_request(earlier: BulkChange, changes: dict) -> BulkChange:
    if earlier.changes != changes:
        raise BadInputError(
            _("This form was already submitted. Select the tickets again and resubmit.")
        )
    return earlier


def _start(by: User, tickets: list[int], changes: dict, key: UUID | None) -> BulkChange:
    _require_permitted(tickets, changes)
    action = describe_changes(changes)
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
            _queue_rest(change, len(tickets))
    except IntegrityError:  # the same form, sent twice at the same moment
        if earlier := queries.find_bulk_change(by, key):
            return _is_same_request(earlier, changes)
        raise BadInputError(
            _("This form was submitted by somebody else. Reload the page.")
        ) from None
    return change


def _require_permitted(tickets: list[int], changes: dict) -> None:
    if not tickets:
        raise BadInputError(_("Select at least one ticket."))
    if len(tickets) > MAX_TICKETS:
        raise BadInputError(_("Select at most %d tickets.") % MAX_TICKETS)
    if not changes:
        raise BadInputError(_("Choose at least one change."))
    resolve_changes(changes)


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
    """The worker begins when this transaction is committed; not for what is done at once."""
    if size > MAX_SYNCHRONOUS:
        jobs.configure_task("tickets.finish_bulk_change").defer(change_id=str(change.pk))


@transaction.atomic
def _process_batch(change_id: UUID) -> bool:
    """The next few tickets. Whether anything may be left."""
    change = (
        BulkChange.objects.select_for_update(of=["self"]).select_related("by").get(pk=change_id)
    )
    if change.finished_at is None:
        return _apply_batch(change)
    if change.undone_at and change.undo_finished_at is None:
        return _undo_batch(change)
    return False


def _apply_batch(change: BulkChange) -> bool:
    now, change.pending = change.pending[:BATCH_SIZE], change.pending[BATCH_SIZE:]
    for ticket_id, ticket in _visible_tickets(change.by, now):
        try:
            change.before += _change_one(change, ticket)
        except SkerryError as refusal:
            change.skipped.append([ticket_id, str(refusal)])
    if not change.pending:
        change.finished_at = timezone.now()
    change.save(update_fields=["pending", "before", "skipped", "finished_at"])
    return bool(change.pending)


def _undo_batch(change: BulkChange) -> bool:
    now, change.undo_pending = change.undo_pending[:BATCH_SIZE], change.undo_pending[BATCH_SIZE:]
    for ticket_id, ticket in _visible_tickets(change.by, now):
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


def _visible_tickets(by: User, ids: list[int]) -> list[tuple[int, Ticket | None]]:
    """In the order of the ids; those the person no longer sees are None.

    All are locked before anything else is, so that no two changes wait for each other.
    """
    rows = Ticket.objects.visible_to(by).filter(pk__in=ids).order_by("pk")
    seen = {ticket.pk: ticket for ticket in rows.select_for_update(of=["self"])}
    return [(ticket_id, seen.get(ticket_id)) for ticket_id in ids]


@transaction.atomic
def _change_one(change: BulkChange, ticket: Ticket | None) -> list[list]:
    """What was changed on the ticket, as ``before`` keeps it; all of it or nothing."""
    locked = lock_if_there(ticket)
    was = snapshot(locked)
    apply_changes(change, locked)
    became = snapshot(Ticket.objects.get(pk=locked.pk))
    return [[locked.pk, name, was[name], became[name]] for name in was if was[name] != became[name]]


@transaction.atomic
def _undo_one(by: User, ticket: Ticket | None, entries: list[list]) -> bool:
    """Puts back what still is as the change left it. Whether anything was not, and stays."""
    locked = lock_if_there(ticket)
    now = snapshot(locked)
    mine = {name: was for _id, name, was, became in entries if now[name] == became}
    restore_snapshot(locked, mine, by)
    return len(mine) < len(entries)
