"""Verbs on the status of a ticket, and the moments that go with it."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.tickets.models import Event, Status, Ticket
from appliance.tickets.services import fields as answers
from appliance.tickets.services.recording import lock, record, require_agent, save

DONE = (Status.SOLVED, Status.CLOSED)


def set_status(
    *, ticket: Ticket, status: Status, by: User | None, at: datetime | None = None
) -> None:
    """On hold needs a date: ``hold_ticket``. Solving needs an answer to every required field."""
    require_agent(by)
    with transaction.atomic():
        change_status(lock(ticket), status, by, at)
    ticket.refresh_from_db()


def hold_ticket(
    *, ticket: Ticket, until: datetime, by: User | None, at: datetime | None = None
) -> None:
    """Out of the way until then; a customer's answer brings it back earlier."""
    require_agent(by)
    if until <= (at or timezone.now()):
        raise BadInputError(_("Choose a date in the future."), field="held_until")
    with transaction.atomic():
        change_status(lock(ticket), Status.HOLD, by, at, until=until)
    ticket.refresh_from_db()


def change_status(
    locked: Ticket,
    status: Status,
    by: User | None,
    at: datetime | None = None,
    *,
    until: datetime | None = None,
    **said: object,
) -> None:
    """The ticket must be locked. ``said`` goes into the event. Nothing changed, nothing written."""
    if (locked.status, locked.held_until) == (status, until):
        return
    _refuse(locked, status, by, until)
    change = {"from": locked.status, "to": str(status)} | said
    if until:
        change["until"] = until.isoformat()
    locked.status, locked.held_until = status, until
    locked.solved_at = (locked.solved_at or at or timezone.now()) if status in DONE else None
    save(locked, "status", "held_until", "solved_at", at=at)
    record(locked, Event.Kind.STATUS, by, at, **change)


def _refuse(locked: Ticket, status: Status, by: User | None, until: datetime | None) -> None:
    if locked.merged_into_id and locked.status == Status.CLOSED:
        raise BadInputError(
            _("%(this)s is merged into SKR-%(other)d. Undo the merge first.")
            % {"this": locked.number, "other": locked.merged_into_id},
            field="status",
        )
    if status == Status.HOLD and until is None:
        raise BadInputError(_("Enter the date until which the ticket is on hold."), field="held_until")
    if status == Status.SOLVED and by is not None:
        answers.require_all(locked)
