"""Forms of the pages of customers and guests."""

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts.forms import PersonForm
from appliance.core.forms import Form, IdempotentForm
from appliance.tickets import services as tickets_services
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


class MacroUseForm(IdempotentForm):
    """What comes with one click on a macro."""

    seen_message = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)

    def values(self) -> dict:
        data = self.cleaned_data
        return {
            "idempotency_key": data["idempotency_key"],
            "seen_message_id": data["seen_message"],
        }


class SetupForm(PersonForm):
    """The first admin, the desk's name, its categories, and whether to start with the demo."""

    desk_name = forms.CharField(
        label=_("Name of the help desk"),
        max_length=80,
        initial="Help desk",
        help_text=_("Shown at the top of every page."),
    )
    categories = forms.MultipleChoiceField(
        label=_("Categories"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_(
            "Topics of your tickets. New tickets are classified into these categories. You "
            "can add more later."
        ),
    )
    demo = forms.TypedChoiceField(
        label=_("Initial data"),
        choices=[
            ("no", _("None (empty help desk)")),
            ("yes", _("Demo data: sample articles and tickets")),
        ],
        coerce=lambda value: value == "yes",
        initial="no",
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    field_order = ["desk_name", "first_name", "last_name", "email", "password", "password_again"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        rows = tickets_services.default_categories()
        self.set_choices("categories", [(row["slug"], row["name"]) for row in rows])
        self.fields["categories"].initial = [row["slug"] for row in rows]
