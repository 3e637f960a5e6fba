"""What an answer to a custom field may be: checked, kept as JSON, shown as text."""

from datetime import date
from decimal import Decimal, InvalidOperation

from django.utils.formats import date_format, localize
from django.utils.translation import gettext as _

from appliance.core.errors import BadInputError
from appliance.tickets.models import CustomField

MAX_TEXT_CHARACTERS = 1000
MAX_NUMBER = Decimal(10) ** 15
Kind = CustomField.Kind


def form_name(field: CustomField) -> str:
    """What it is called in a form, where it must not meet the names of other fields."""
    return f"field_{field.key}"


def parse_value(field: CustomField, value: object) -> str | int | float | None:
    """The value as JSON, None when empty. Raises BadInputError when it is not of its kind."""
    if value is None or str(value).strip() == "":
        return None
    try:
        return _PARSERS[Kind(field.kind)](field, value)
    except (ValueError, InvalidOperation):
        raise BadInputError(
            _MESSAGES[Kind(field.kind)]() % {"field": field.label}, field=form_name(field)
        ) from None


def value_of(field: CustomField, stored: object) -> object:
    """The kept answer as a form shows it: a date again a date."""
    if field.kind == Kind.DATE and isinstance(stored, str):
        try:
            return date.fromisoformat(stored)
        except ValueError:  # the kind was another when it was answered
            return None
    return stored


def text_of(field: CustomField, stored: object) -> str:
    """For a person, in their language; empty without an answer."""
    value = value_of(field, stored)
    if value is None:
        return ""
    if isinstance(value, date):
        return date_format(value)
    return value if isinstance(value, str) else str(localize(value))


def _text(field: CustomField, value: object) -> str:
    text = str(value).strip()
    if len(text) > MAX_TEXT_CHARACTERS or "\0" in text:
        raise ValueError
    return text


def _number(field: CustomField, value: object) -> int | float:
    number = Decimal(str(value).strip())
    if not number.is_finite() or abs(number) > MAX_NUMBER:
        raise ValueError
    return int(number) if number == number.to_integral_value() else float(number)


def _choice(field: CustomField, value: object) -> str:
    if str(value) not in field.choices:
        raise ValueError
    return str(value)


def _date(field: CustomField, value: object) -> str:
    read = value if isinstance(value, date) else date.fromisoformat(str(value).strip())
    return date(read.year, read.month, read.day).isoformat()


_PARSERS = {Kind.TEXT: _text, Kind.NUMBER: _number, Kind.CHOICE: _choice, Kind.DATE: _date}
_MESSAGES = {
    Kind.TEXT: lambda: _("%(field)s is too long: at most 1000 characters."),
    Kind.NUMBER: lambda: _("%(field)s must be a number, such as 12 or 12.5."),
    Kind.CHOICE: lambda: _("Choose a value from the list for %(field)s."),
    Kind.DATE: lambda: _("%(field)s must be a date, such as 2026-11-23."),
}
