"""Forms for the people who get the replies on a ticket besides its customer."""

import re
from email.utils import parseaddr
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.core.forms import Form

ENTRY = re.compile(r'(?:[^,;\n"]|"[^"]*"?)+')  # up to a comma, except within quotation marks
MAX_ADDRESSES = 20
Person = tuple[str, str]  # name and address


class PeopleField(forms.CharField):
    """E-mail addresses with commas between them, each perhaps with a name before it."""

    def __init__(self, *, label: Any, required: bool) -> None:
        super().__init__(
            label=label,
            required=required,
            max_length=4_000,
            widget=forms.TextInput(
                attrs={"autocomplete": "off", "placeholder": "pia@example.org, …", "dir": "ltr"}
            ),
        )

    def clean(self, value: str) -> list[Person]:
        entries = [entry.strip() for entry in ENTRY.findall(super().clean(value))]
        people = [_read(entry) for entry in entries if entry]
        if len(people) > MAX_ADDRESSES:
            raise ValidationError(_("Enter at most %(n)d addresses.") % {"n": MAX_ADDRESSES})
        return people


def _read(entry: str) -> Person:
    name, address = parseaddr(entry)
    try:
        validate_email(address if address in entry else "")
    except ValidationError as error:
        raise ValidationError(
            _("“%(text)s” is not an e-mail address. Separate addresses by commas.")
            % {"text": entry[:254]}
        ) from error
    return name, address


class ParticipantsForm(Form):
    cc = PeopleField(label=gettext_lazy("Add by e-mail address"), required=True)
