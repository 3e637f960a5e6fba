"""Forms for new tickets and for custom fields."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, User
from appliance.core.forms import Form, IdempotentForm, add_bootstrap_class
from appliance.core.types import read_number
from appliance.files.forms import FormWithFiles, UploadsField
from appliance.tickets import custom_fields, queries
from appliance.tickets.custom_fields import StoredValue
from appliance.tickets.models import Channel, CustomField, Priority, Ticket

MAX_TEXT_CHARACTERS = 1_000_000  # enough for a pasted log
# what an agent may say of how a ticket came in; programs say it of themselves
AGENT_CHANNELS = (Channel.PHONE, Channel.WALK_IN, Channel.EMAIL, Channel.PORTAL)


class DateInput(forms.DateInput):
    """The browser's date picker, which needs ISO dates whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def make_form_field(field: CustomField, *, is_required: bool) -> forms.Field:
    """Return a form field whose value has the type of the custom field's kind."""
    label, help_text = field.label, ""
    if field.is_required and not is_required:
        help_text = _("Required before solving.")
    match field.kind:
        case CustomField.Kind.NUMBER:
            return forms.DecimalField(label=label, required=is_required, help_text=help_text)
        case CustomField.Kind.DATE:
            return forms.DateField(
                label=label, required=is_required, help_text=help_text, widget=DateInput()
            )
        case CustomField.Kind.CHOICE:
            choices = [("", _("Choose …")), *((text, text) for text in field.choices)]
            return forms.ChoiceField(
                label=label, required=is_required, help_text=help_text, choices=choices
            )
    return forms.CharField(
        label=label,
        required=is_required,
        help_text=help_text,
        max_length=custom_fields.MAX_TEXT_CHARACTERS,
    )


class CustomFieldsMixin(forms.BaseForm):
    """Custom fields in a form, which calls ``add_custom_fields`` in its constructor."""

    custom_fields: tuple[CustomField, ...] = ()

    def add_custom_fields(
        self,
        fields: Iterable[CustomField],
        *,
        stored: Mapping[str, StoredValue] | None = None,
        is_strict: bool,
    ) -> None:
        """Add a form field for each, with its stored value; required ones only if ``is_strict``."""
        self.custom_fields = tuple(fields)
        for field in self.custom_fields:
            form_field = make_form_field(field, is_required=field.is_required and is_strict)
            form_field.initial = custom_fields.value_of(field, (stored or {}).get(field.key))
            self.fields[custom_fields.form_name(field)] = add_bootstrap_class(form_field)

    def custom_values(self) -> dict[str, object]:
        """Return the values by key, as the services take them."""
        data = self.cleaned_data
        return {field.key: data.get(custom_fields.form_name(field)) for field in self.custom_fields}

    def custom_rows(self) -> list[forms.BoundField]:
        """Return the custom fields alone, for a template that places the others itself."""
        return [self[custom_fields.form_name(field)] for field in self.custom_fields]


class FieldsForm(CustomFieldsMixin, Form):
    """The custom fields of a ticket. Only values changed on the page are saved."""

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, ticket: Ticket, viewer: User
    ) -> None:
        super().__init__(data)
        fields = queries.list_fields(viewer, ticket.category)
        self.add_custom_fields(fields, stored=ticket.fields, is_strict=False)
        for row in self.custom_rows():
            row.field.show_hidden_initial = True

    def changed_values(self) -> dict[str, object]:
        """Return the changed values by key, as ``set_fields`` takes them."""
        names = {field.key: custom_fields.form_name(field) for field in self.custom_fields}
        values = self.custom_values().items()
        return {key: value for key, value in values if names[key] in self.changed_data}


class SubmissionForm(IdempotentForm, FormWithFiles):
    """A ticket or reply with files, created once however often the page is sent."""

    # Django turns the declared field into an entry of ``fields``
    files = UploadsField(label=gettext_lazy("Attachments"), required=False)  # type: ignore[assignment]


class TicketForm(CustomFieldsMixin, SubmissionForm):
    """A new ticket with the custom fields of all categories. Without ``viewer`` it is a guest's."""

    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=200,
        help_text=gettext_lazy("One line: what is wrong, and where."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=MAX_TEXT_CHARACTERS,
        help_text=gettext_lazy(
            "What you did, what you expected, what happened. Paste error messages in full."
        ),
        widget=forms.Textarea(attrs={"rows": 9}),
    )
    field_order = ["subject", "description"]

    def typed_text(self) -> str:
        """Return all that was typed as one text, valid or not, to go on with in a reply."""
        texts = [str(self[name].value() or "").strip() for name in ("subject", "description")]
        values = ((row.label, str(row.value() or "").strip()) for row in self.custom_rows())
        texts.append("\n".join(f"{label}: {value}" for label, value in values if value))
        text = "\n\n".join(filter(None, texts)).replace("\0", "")
        return text[:MAX_TEXT_CHARACTERS]

    def __init__(self, *args: Any, viewer: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_agent = viewer is not None and viewer.is_agent
        fields = queries.list_fields(viewer or AnonymousUser(), category=None)
        self.add_custom_fields(fields, is_strict=not is_agent)
        self.order_fields([name for name in self.fields if name != "files"])  # files come last


class RequesterForm(Form):
    """Whose ticket it is: a known customer by address, or a new one by address, name or both."""

    customer_email = forms.EmailField(
        label=gettext_lazy("Customer's e-mail"),
        max_length=254,
        required=False,
    )
    customer_name = forms.CharField(
        label=gettext_lazy("Customer's name"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("For a new customer. A caller may have a name and no address."),
    )
    channel = forms.TypedChoiceField(
        label=gettext_lazy("Channel"),
        choices=[(channel.value, channel.label) for channel in AGENT_CHANNELS],
        coerce=Channel,
        initial=Channel.PHONE,
        help_text=gettext_lazy("How the customer reached you."),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        email, name = data.get("customer_email"), data.get("customer_name")
        if email and not name and not accounts_queries.find_customer(email=email):
            self.add_error(
                "customer_name",
                _("This address is not registered yet: enter the customer's name."),
            )
        return data


class TicketForCustomerForm(RequesterForm, TicketForm):
    """A new ticket that an agent creates, for a customer on the phone for example.

    ``customer`` is chosen by a link; the page then asks neither for address nor for name.
    """

    customer = forms.ModelChoiceField(
        queryset=Customer.objects.filter(anonymised_at=None),
        required=False,
        widget=forms.HiddenInput,
    )
    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"),
        choices=Priority.choices,
        coerce=lambda value: Priority(int(value)),
        initial=Priority.NORMAL,
    )
    field_order = [
        "customer_email",
        "customer_name",
        "channel",
        "subject",
        "description",
        "priority",
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subject"].help_text = ""
        self.fields["customer_email"].help_text = _(
            "Leave address and name empty to create a ticket for yourself."
        )
        self.fields["description"].help_text = _(
            "What the customer reports. Add error messages in full; the customer can read this."
        )
        self.chosen_customer = self._read_customer()
        if self.chosen_customer:
            del self.fields["customer_email"], self.fields["customer_name"]
        else:
            self.fields["subject"].widget.attrs.pop("autofocus")
            self.fields["customer_email"].widget.attrs["autofocus"] = True

    def _read_customer(self) -> Customer | None:
        number = read_number(str(self["customer"].value() or ""), digits=9)
        customers = Customer.objects.select_related("user").filter(anonymised_at=None)
        return customers.filter(pk=number).first() if number is not None else None


class CorrectionForm(RequesterForm):
    """What a ticket was created with. Only values changed on the page are saved."""

    subject = forms.CharField(
        label=gettext_lazy("Subject"), max_length=200, show_hidden_initial=True
    )
    shown_customer = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = ["subject", "customer_email", "customer_name", "channel"]

    def __init__(self, data: Mapping[str, Any] | None = None, *, ticket: Ticket) -> None:
        customer = ticket.customer
        initial = {
            "subject": ticket.subject,
            "customer_email": customer.contact_email,
            "customer_name": customer.full_name,
            "shown_customer": customer.pk,
            "channel": ticket.channel,
        }
        super().__init__(data, initial=initial)
        self.fields["customer_name"].help_text = _(
            "To choose somebody else, enter their address. Somebody new needs a name, too."
        )
        for name in ("customer_email", "customer_name", "channel"):
            self.fields[name].show_hidden_initial = True
        if ticket.channel not in AGENT_CHANNELS:
            self.set_choices("channel", Channel.choices)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        is_named = data.get("customer_email") or data.get("customer_name")
        if self.is_requester_changed() and not is_named and "customer_email" not in self.errors:
            self.add_error("customer_email", _("Enter the customer's address or name."))
        return data

    def is_requester_changed(self) -> bool:
        """Return whether the address was changed; or the name of somebody without an address."""
        if "customer_email" in self.changed_data:
            return True
        return "customer_name" in self.changed_data and not self.cleaned_data.get("customer_email")

    def shown_values(self) -> dict[str, object]:
        """Return what the page had shown of the changed values, for ``require_unchanged``."""
        shown: dict[str, object] = {
            name: self.data.get(f"initial-{name}", "")
            for name in ("subject", "channel")
            if name in self.changed_data
        }
        if self.is_requester_changed():
            shown["customer"] = self.cleaned_data.get("shown_customer")
        return shown

    def show_current(self) -> None:
        """After a refusal, compare the next submission with the ticket as it is now."""
        current = {f"initial-{name}": str(self.initial[name]) for name in ("subject", "channel")}
        self.replace_data(**current, shown_customer=str(self.initial["shown_customer"]))
