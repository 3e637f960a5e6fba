"""What every change of a person, team or rule has in common: before, after, one row."""

from collections.abc import Mapping

from django.db import IntegrityError, models, transaction

from appliance.accounts.models import User
from appliance.core import audit
from appliance.core.errors import BadInputError


def change(
    subject: models.Model, *, by: User | None, taken: BadInputError | None = None, **values: object
) -> bool:
    """Set the fields that differ, save them and record what they were. False: nothing differed.

    ``taken`` is raised when the database says that another row has these values already.
    """
    before = {name: getattr(subject, name) for name in values}
    changed = {name: value for name, value in values.items() if before[name] != value}
    if not changed:
        return False
    for name, value in changed.items():
        setattr(subject, name, value)
    try:
        with transaction.atomic():
            subject.save(update_fields=list(changed))
    except IntegrityError as error:
        raise (taken or error) from error
    audit.record(by=by, verb="changed", subject=subject, data=differences(before, changed))
    return True


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> dict:
    """Field to what it was and what it became, in what JSON can hold."""
    return {name: {"from": _plain(before[name]), "to": _plain(after[name])} for name in after}


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str | list | None) else str(value)
