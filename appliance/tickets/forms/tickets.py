"""Forms that open a ticket."""

from django import forms

from appliance.accounts import queries as accounts
from appliance.tickets.forms.once import TEXT_LIMIT, OnceForm
from appliance.tickets.models import Priority


class TicketForm(OnceForm):
    subject = forms.CharField(
        max_length=200, help_text="One line: what is wrong, and where.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )  # fmt: skip
    description = forms.CharField(
        max_length=TEXT_LIMIT,
        help_text="What you did, what you expected, what happened. Paste error messages whole.",
        widget=forms.Textarea(attrs={"rows": 9}),
    )


class TicketForCustomerForm(TicketForm):
    """What an agent fills in while somebody is on the phone."""

    customer_email = forms.EmailField(
        label="Customer's e-mail", max_length=254, required=False,
        help_text="Leave empty for a ticket of your own.",
    )  # fmt: skip
    customer_name = forms.CharField(
        max_length=80, required=False, help_text="Needed only when the desk does not know them yet."
    )
    priority = forms.TypedChoiceField(
        choices=Priority.choices, coerce=lambda value: Priority(int(value)), initial=Priority.NORMAL
    )
    field_order = ["customer_email", "customer_name", "subject", "description", "priority"]

    def clean(self) -> dict:
        data = super().clean()
        email = data.get("customer_email")
        if email and not data.get("customer_name") and not accounts.find_customer(email=email):
            self.add_error(
                "customer_name", "The desk does not know this address yet: add the person's name."
            )
        return data
