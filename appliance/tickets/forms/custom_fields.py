"""Custom fields in forms: one form field each, named so that it meets no other."""

from django import forms
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.forms import Form, add_bootstrap_class
from appliance.tickets import custom_fields, queries
from appliance.tickets.models import CustomField, Ticket, TicketCategory

Kind = CustomField.Kind


def form_field(field: CustomField, *, is_required: bool) -> forms.Field:
    """What a person fills in; the value comes out in the type of its kind."""
    about = {"label": field.label, "required": is_required}
    if field.is_required and not is_required:
        about["help_text"] = _("Required before solving.")
    if field.kind == Kind.NUMBER:
        return forms.DecimalField(**about)
    if field.kind == Kind.DATE:
        return forms.DateField(widget=DateInput(), **about)
    if field.kind == Kind.CHOICE:
        choices = [("", _("Choose …")), *((text, text) for text in field.choices)]
        return forms.ChoiceField(choices=choices, **about)
    return forms.CharField(max_length=custom_fields.MAX_TEXT, **about)


class DateInput(forms.DateInput):
    """The browser's own date picker, which speaks ISO whatever the language."""

    input_type = "date"

    def __init__(self, **kwargs: object) -> None:
        super().__init__(format="%Y-%m-%d", **kwargs)


class CustomFieldsMixin:
    """For a form: ``add_custom_fields`` in its constructor, then ``custom_values``."""

    custom_fields: tuple[CustomField, ...] = ()

    def add_custom_fields(self, viewer: User, category: TicketCategory | None) -> None:
        """Customers and guests must answer what is required; agents may do so later."""
        is_agent = viewer.is_authenticated and viewer.is_agent
        self.custom_fields = tuple(queries.list_fields(viewer, category))
        for field in self.custom_fields:
            required = field.is_required and not is_agent
            self.fields[custom_fields.form_name(field)] = add_bootstrap_class(
                form_field(field, is_required=required)
            )

    def custom_values(self) -> dict[str, object]:
        """Answers by key, as the services take them."""
        data = self.cleaned_data
        return {field.key: data.get(custom_fields.form_name(field)) for field in self.custom_fields}

    def custom_rows(self) -> list[forms.BoundField]:
        """The custom fields alone, for a template that places the others itself."""
        return [self[custom_fields.form_name(field)] for field in self.custom_fields]


class FieldsForm(CustomFieldsMixin, Form):
    """The custom fields of a ticket. Only what was changed on the page is written."""

    def __init__(
        self, data: object = None, *, ticket: Ticket, viewer: User, **kwargs: object
    ) -> None:
        super().__init__(data, **kwargs)
        self.add_custom_fields(viewer, ticket.category)
        for custom_field in self.custom_fields:
            field = self.fields[custom_fields.form_name(custom_field)]
            stored = ticket.fields.get(custom_field.key)
            field.initial = custom_fields.value_of(custom_field, stored)
            field.show_hidden_initial = True

    def changed_values(self) -> dict[str, object]:
        changed = set(self.changed_data)
        values = self.custom_values().items()
        by_key = {field.key: custom_fields.form_name(field) for field in self.custom_fields}
        return {key: value for key, value in values if by_key[key] in changed}
