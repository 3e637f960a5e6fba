"""Forms of the pages of customers and guests."""

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.core.forms import Form
from appliance.tickets.forms import TicketForm
from appliance.web.queries.portal import STATES, MyTickets


class MyTicketsForm(Form):
    """What the list is narrowed to, from the address of the page."""

    state = forms.ChoiceField(choices=[(name, name) for name in STATES], required=False)
    whose = forms.ChoiceField(choices=[("", ""), ("mine", "mine")], required=False)
    text = forms.CharField(required=False)

    def filters(self) -> MyTickets:
        """What makes no sense in the address narrows nothing."""
        self.is_valid()
        data = self.cleaned_data
        return MyTickets(
            state=data.get("state") or "open",
            whose=data.get("whose") or "",
            text=data.get("text", "")[:200].strip(),
        )


class GuestTicketForm(TicketForm):
    """A question of somebody without an account."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    email = forms.EmailField(
        label=_("Your e-mail"),
        max_length=254,
        help_text=_("So that we know who to reply to."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    field_order = ["name", "email", "subject", "description"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subject"].widget.attrs.pop("autofocus", None)
