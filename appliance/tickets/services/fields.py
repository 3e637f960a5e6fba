"""Verbs on custom fields: what is answered, and what must be before a ticket is solved."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.tickets import custom, queries
from appliance.tickets.models import CustomField, Event, Ticket
from appliance.tickets.services.recording import lock, record, require_agent, save


def set_fields(
    *, ticket: Ticket, values: dict[str, object], by: User | None, at: datetime | None = None
) -> None:
    """Answer the fields named by key; an empty value takes an answer away. One event a field."""
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        fields = {field.key: field for field in queries.fields_of(locked.category)}
        for key, value in clean(fields, values).items():
            if locked.fields.get(key) != value:
                _answer(locked, fields[key], value, by, at)
    ticket.refresh_from_db()


def clean(fields: dict[str, CustomField], values: dict[str, object]) -> dict[str, object]:
    """What is kept of each value; None where there is none."""
    if unknown := values.keys() - fields.keys():
        raise BadInputError(
            _("This ticket has no field “%(key)s”. Reload the page.") % {"key": min(unknown)}
        )
    return {key: custom.stored(fields[key], value) for key, value in values.items()}


def require_all(locked: Ticket) -> None:
    """Raises BadInputError while a required field of the category has no answer."""
    fields = queries.fields_of(locked.category).filter(is_required=True)
    refuse_missing(fields, locked.fields, _("Required before solving: %(fields)s."), "status")


def refuse_missing(fields, answers: dict[str, object], message: str, at_field: str = "") -> None:
    missing = [field for field in fields if answers.get(field.key) in (None, "")]
    if missing:
        names = ", ".join(field.label for field in missing)
        raise BadInputError(
            message % {"fields": names}, field=at_field or custom.form_name(missing[0])
        )


def _answer(
    locked: Ticket, field: CustomField, value: object, by: User | None, at: datetime | None
) -> None:
    before = locked.fields.pop(field.key, None)
    if value is not None:
        locked.fields[field.key] = value
    save(locked, "fields", at=at)
    said = {"from": custom.text_of(field, before), "to": custom.text_of(field, value)}
    record(locked, Event.Kind.FIELD, by, at, field=field.label, key=field.key, **said)
