"""The audit log: one row for each change of the set-up or of a person, written in one place."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, models, transaction

from appliance.core.errors import BadInputError
from appliance.core.models import AuditEntry

ANONYMOUS = "Anonymous"
SYSTEM_ACTOR_NAME = "Skerry"
SECRET_FIELDS = {"password", "bind_password"}
BATCH_ROWS = 500


def record_change(
    *, by: models.Model | None, verb: str, subject: models.Model, data: dict | None = None
) -> AuditEntry:
    """Add one row to the audit log, in the transaction of the change. ``by=None``: the system."""
    return _add_entry(by, verb, **_described(subject, data or {}))


def _described(subject: models.Model, data: Mapping[str, object]) -> dict[str, Any]:
    """Return the columns that say what was changed."""
    return {
        "kind": str(subject._meta.verbose_name)[:40],
        "subject": str(subject)[:200],
        "subject_id": str(subject.pk or ""),
        "data": {name: value for name, value in data.items() if name not in SECRET_FIELDS},
    }


def record_changes(changes: Iterable[tuple[models.Model, str, Mapping[str, object]]]) -> None:
    """Add many rows at once, of changes by the system: subject, verb and data of each."""
    AuditEntry.objects.bulk_create(
        (
            AuditEntry(actor_name=SYSTEM_ACTOR_NAME, verb=verb, **_described(subject, data))
            for subject, verb, data in changes
        ),
        batch_size=BATCH_ROWS,
    )


def record_export(*, by: models.Model, kind: str, name: str) -> None:
    """Add a row to the audit log: a file with data of the desk is about to be sent to ``by``."""
    _add_entry(by, "exported", kind=kind, subject=name[:200], data={})


def _add_entry(by: models.Model | None, verb: str, **fields: object) -> AuditEntry:
    return AuditEntry.objects.create(
        actor_id=by.pk if by else None,
        actor_name=str(by) if by else SYSTEM_ACTOR_NAME,
        verb=verb,
        **fields,
    )


def update_fields(
    subject: models.Model,
    *,
    by: models.Model | None,
    duplicate_error: BadInputError | None = None,
    **values: object,
) -> bool:
    """Save the fields that differ and record the change. Return False when nothing differs.

    ``duplicate_error`` is raised when a unique constraint of the database refuses the values.
    """
    before = {name: getattr(subject, name) for name in values}
    changes = {name: value for name, value in values.items() if before[name] != value}
    if not changes:
        return False
    for name, value in changes.items():
        setattr(subject, name, value)
    try:
        with transaction.atomic():
            subject.save(update_fields=list(changes))
    except IntegrityError as error:
        raise (duplicate_error or error) from error
    record_change(by=by, verb="changed", subject=subject, data=field_changes(before, changes))
    return True


def field_changes(before: Mapping[str, object], after: Mapping[str, object]) -> dict:
    """Return the old and new value of each field of ``after``, as values JSON can hold."""
    return {
        name: {"from": _json_value(before[name]), "to": _json_value(after[name])} for name in after
    }


def _json_value(value: object) -> object:
    return value if isinstance(value, bool | int | float | str | list | None) else str(value)
