"""Values of custom fields: validated, stored as JSON, shown as text."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal, InvalidOperation

from django.utils.formats import date_format, localize
from django.utils.translation import gettext as _

from appliance.core.errors import BadInputError
from appliance.tickets.models import CustomField

MAX_TEXT_CHARACTERS = 1000
MAX_NUMBER = Decimal(10) ** 15
Kind = CustomField.Kind
StoredValue = str | int | float


def form_name(field: CustomField) -> str:
    """Return the name of the form field, with a prefix that no other form field has."""
    return f"field_{field.key}"


def parse_value(field: CustomField, value: object) -> StoredValue | None:
    """Return the value as JSON, None if it is empty. Raises BadInputError if it is invalid."""
    if value is None or str(value).strip() == "":
        return None
    try:
        return _PARSERS[Kind(field.kind)](field, value)
    except (ValueError, InvalidOperation):
        raise BadInputError(
            _MESSAGES[Kind(field.kind)]() % {"field": field.label}, field=form_name(field)
        ) from None


def parse_values(
    fields: Iterable[CustomField], values: dict[str, object]
) -> dict[str, StoredValue | None]:
    """Parse values given by key. Raises BadInputError for a key that no field has."""
    by_key = {field.key: field for field in fields}
    if unknown := values.keys() - by_key.keys():
        raise BadInputError(
            _("This ticket has no field “%(key)s”. Reload the page.") % {"key": min(unknown)}
        )
    return {key: parse_value(by_key[key], value) for key, value in values.items()}


def require_values(
    fields: Iterable[CustomField],
    values: dict[str, StoredValue],
    message: str,
    *,
    error_field: str = "",
) -> None:
    """Raise BadInputError with ``message`` % {"fields": …} if required fields have no value."""
    missing = [
        field for field in fields if field.is_required and values.get(field.key) in (None, "")
    ]
    if missing:
        labels = ", ".join(field.label for field in missing)
        raise BadInputError(
            message % {"fields": labels}, field=error_field or form_name(missing[0])
        )


def value_of(field: CustomField, stored: StoredValue | None) -> date | StoredValue | None:
    """Return a stored value as a form shows it: for a date field a date."""
    return _value_of_kind(field.kind, stored)


def _value_of_kind(kind: str, stored: StoredValue | None) -> date | StoredValue | None:
    if kind == Kind.DATE and isinstance(stored, str):
        try:
            return date.fromisoformat(stored)
        except ValueError:  # stored while the field had another kind
            return None
    return stored


def text_of(field: CustomField, stored: StoredValue | None) -> str:
    """Return a stored value as text in the active language, empty without a value."""
    return text_of_kind(field.kind, stored)


def text_of_kind(kind: str, stored: StoredValue | None) -> str:
    """Return a value of a field of this kind as text in the active language."""
    value = _value_of_kind(kind, stored)
    if value is None:
        return ""
    if isinstance(value, date):
        return date_format(value)
    return value if isinstance(value, str) else str(localize(value))


def _parse_text(field: CustomField, value: object) -> str:
    text = str(value).strip()
    if len(text) > MAX_TEXT_CHARACTERS or "\0" in text:
        raise ValueError
    return text


def _parse_number(field: CustomField, value: object) -> int | float:
    number = Decimal(str(value).strip())
    if not number.is_finite() or abs(number) > MAX_NUMBER:
        raise ValueError
    return int(number) if number == number.to_integral_value() else float(number)


def _parse_choice(field: CustomField, value: object) -> str:
    if str(value) not in field.choices:
        raise ValueError
    return str(value)


def _parse_date(field: CustomField, value: object) -> str:
    day = value if isinstance(value, date) else date.fromisoformat(str(value).strip())
    return date(day.year, day.month, day.day).isoformat()


_PARSERS: dict[CustomField.Kind, Callable[[CustomField, object], StoredValue]] = {
    Kind.TEXT: _parse_text,
    Kind.NUMBER: _parse_number,
    Kind.CHOICE: _parse_choice,
    Kind.DATE: _parse_date,
}
_MESSAGES = {
    Kind.TEXT: lambda: _("%(field)s is too long: at most 1000 characters."),
    Kind.NUMBER: lambda: _("%(field)s must be a number, such as 12 or 12.5."),
    Kind.CHOICE: lambda: _("Choose a value from the list for %(field)s."),
    Kind.DATE: lambda: _("%(field)s must be a date, such as 2026-11-23."),
}
