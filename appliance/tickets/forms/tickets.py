"""What the forms on tickets share."""

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.core.forms import IdempotentForm
from appliance.files.forms import FormWithFiles, UploadsField
from appliance.tickets.forms.custom_fields import CustomFieldsMixin
from appliance.tickets.models import Priority

TEXT_LIMIT = 1_000_000  # characters; a pasted log is welcome, a film is not


class SubmissionForm(IdempotentForm, FormWithFiles):
    """A ticket or reply with files, created once however often the page is sent."""

    files = UploadsField(label=gettext_lazy("Attachments"), required=False)


class TicketForm(CustomFieldsMixin, SubmissionForm):
    """``viewer`` None is a guest. Asks the custom fields that every category has."""

    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=200,
        help_text=gettext_lazy("One line: what is wrong, and where."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=TEXT_LIMIT,
        help_text=gettext_lazy(
            "What you did, what you expected, what happened. Paste error messages in full."
        ),
        widget=forms.Textarea(attrs={"rows": 9}),
    )
    field_order = ["subject", "description"]

    def __init__(self, *args: object, viewer: User | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.add_custom_fields(viewer or AnonymousUser(), category=None)


class TicketForCustomerForm(TicketForm):
    """What an agent fills in while somebody is on the phone."""

    customer_email = forms.EmailField(
        label=gettext_lazy("Customer's e-mail"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("Leave empty to create a ticket for yourself."),
    )
    customer_name = forms.CharField(
        label=gettext_lazy("Customer's name"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("Required only for a new customer."),
    )
    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"),
        choices=Priority.choices,
        coerce=lambda value: Priority(int(value)),
        initial=Priority.NORMAL,
    )
    field_order = ["customer_email", "customer_name", "subject", "description", "priority"]

    def clean(self) -> dict:
        data = super().clean()
        email = data.get("customer_email")
        if (
            email
            and not data.get("customer_name")
            and not accounts_queries.find_customer(email=email)
        ):
            self.add_error(
                "customer_name",
                _("This address is not registered yet: enter the customer's name."),
            )
        return data
