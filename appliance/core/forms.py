"""What every form of the desk does alike."""

from collections.abc import Callable
from typing import TypeVar

from django import forms

from appliance.core.errors import BadInputError

T = TypeVar("T")


def dress(field: forms.Field) -> forms.Field:
    """The field with the looks of its kind; one that has some keeps them."""
    style = "form-control"
    if isinstance(field.widget, forms.Select):
        style = "form-select"
    if isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
        style = "form-check-input"
    field.widget.attrs.setdefault("class", style)
    return field


class Styled:
    """For any form: its fields look like the rest of the desk."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            dress(field)

    def clean(self) -> dict:
        """Lines end in LF from here on; browsers send CR LF."""
        data = super().clean() or self.cleaned_data
        for name, value in data.items():
            if isinstance(value, str) and "\r" in value:
                data[name] = value.replace("\r\n", "\n").replace("\r", "\n")
        return data


class Form(Styled, forms.Form):
    """What the desk's own forms do alike."""

    def attempt(self, service: Callable[..., T], **arguments: object) -> T | None:
        """Call ``service``; what it refuses becomes an error of the field it names."""
        try:
            return service(**arguments)
        except BadInputError as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return None
