"""Base class and mixin for every form."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django import forms
from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from appliance.core.errors import BadInputError

T = TypeVar("T")
FieldT = TypeVar("FieldT", bound=forms.Field)
Choices = Iterable[tuple[Any, str | Promise]]


def add_bootstrap_class(field: FieldT) -> FieldT:
    """Set the Bootstrap class of the field's widget unless it has a class."""
    css_class = "form-control"
    if isinstance(field.widget, forms.Select):
        css_class = "form-select"
    if isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
        css_class = "form-check-input"
    field.widget.attrs.setdefault("class", css_class)
    return field


class BootstrapFormMixin(forms.BaseForm):
    """Bootstrap classes for all fields.

    ``without_error`` names the fields beside which the template shows no error, such as buttons;
    like those of hidden fields, their errors stand at the top.
    """

    without_error: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            add_bootstrap_class(field)

    def set_choices(self, name: str, choices: Choices | Callable[[], Choices]) -> None:
        """Set the choices of a field that offers a selection."""
        field = self.fields[name]
        if not isinstance(field, forms.ChoiceField):
            raise TypeError(f"{name} is not a ChoiceField")
        field.choices = choices

    def set_queryset(self, name: str, queryset: QuerySet[Model]) -> None:
        """Set the rows that a field for a model object offers."""
        field = self.fields[name]
        if not isinstance(field, forms.ModelChoiceField):
            raise TypeError(f"{name} is not a ModelChoiceField")
        field.queryset = queryset

    def set_shortcuts(self, **keys: str) -> None:
        """Give each named field a key of the keyboard; a field the form lacks is skipped."""
        for name, key in keys.items():
            if name in self.fields:
                field = self.fields[name]
                field.widget.attrs |= {"data-key": key, "data-key-label": field.label}

    def set_completion(self, name: str, mode: str, **attributes: str) -> None:
        """Let complete.js offer completions for a text field.

        ``mode`` is what a choice replaces: "whole" (the field), "words" (one of several with commas
        between them) or "text" (what follows a sign such as @). ``attributes`` become data
        attributes of the widget, such as the URL that is asked; ``pick`` marks the first item.
        """
        data = {f"data-{key.replace('_', '-')}": value for key, value in attributes.items()}
        self.fields[name].widget.attrs |= {
            "data-complete": mode,
            **data,
            "autocomplete": "off",
            "aria-autocomplete": "list",
        }

    def top_errors(self) -> list[str]:
        """Return the errors that stand beside no field, as sentences for the top of the form.

        These are those of the whole form, and those of fields that show none, which name the field.
        """
        unmarked = [
            f"{field.label}: {error}"
            for field in self
            if not self._shows_errors(field)
            for error in field.errors
        ]
        return [*map(str, self.non_field_errors()), *unmarked]

    def count_marked_fields(self) -> int:
        """Return the number of fields that show an error."""
        return sum(bool(field.errors) for field in self if self._shows_errors(field))

    def _shows_errors(self, field: forms.BoundField) -> bool:
        return not field.is_hidden and field.name not in self.without_error

    def replace_data(self, **values: str) -> None:
        """Show and resubmit these values instead of those that were sent.

        Of a field with several values the last one stays.
        """
        self.data = {name: self.data[name] for name in self.data} | values

    def clean(self) -> dict[str, Any]:
        """Return the values, which Django allows to be None."""
        return super().clean() or self.cleaned_data


class Form(BootstrapFormMixin, forms.Form):
    """Base class of the forms of all rooms."""

    def values(self) -> Mapping[str, object]:
        """Return the arguments of the service that the valid form is for."""
        return {name: self.cleaned_data[name] for name in self.fields}

    def attempt(self, service: Callable[..., T], **arguments: object) -> T | None:
        """Call ``service``; turn a BadInputError into an error of the field it names.

        Returns None then; check ``errors`` where the service itself may return None.
        """
        try:
            return service(**arguments)
        except BadInputError as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return None


class IdempotencyKeyField(forms.UUIDField):
    """A hidden key. A damaged one counts as none: nobody could correct it."""

    def clean(self, value: object) -> UUID | None:
        try:
            return super().clean(value)
        except forms.ValidationError:
            return None


class IdempotentForm(Form):
    """A form that creates something: sent again with the same key, it creates nothing more."""

    # without autocomplete="off" Firefox restores the old key when the page is reloaded
    idempotency_key = IdempotencyKeyField(
        initial=uuid4, required=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"})
    )

    def key(self) -> UUID:
        """Return the key of the page, or a new one when the page sent none."""
        self.is_valid()
        return self.cleaned_data.get("idempotency_key") or uuid4()
