"""Forms on tickets: they return the domain's own types."""

import uuid

from django import forms

from appliance.accounts import queries as accounts
from appliance.core.forms import Form
from appliance.tickets import queries
from appliance.tickets.models import Priority, Status

TEXT_LIMIT = 1_000_000  # characters; a pasted log is welcome, a film is not


class _OnceForm(Form):
    """Carries a key, so that sending the same page twice does the thing once."""

    submission_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)


class TicketForm(_OnceForm):
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


class ReplyForm(_OnceForm):
    body = forms.CharField(
        label="Your answer",
        max_length=TEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": "Write an answer …"}),
        error_messages={"required": "The answer is empty. Write something first."},
    )


class AgentReplyForm(ReplyForm):
    kind = forms.ChoiceField(
        choices=[("reply", "Reply to customer"), ("note", "Internal note")],
        initial="reply",
        widget=forms.RadioSelect(attrs={"class": "btn-check"}),
    )
    leave = forms.TypedChoiceField(
        label="Leave ticket",
        choices=[("", "as it is"), *((s.value, s.label.lower()) for s in Status if s != "new")],
        coerce=Status,
        empty_value=None,
        required=False,
    )


class PropertiesForm(Form):
    """Status, priority, category and assignee. Only what was changed on the page is written."""

    status = forms.TypedChoiceField(choices=Status.choices, coerce=Status, show_hidden_initial=True)
    priority = forms.TypedChoiceField(
        choices=Priority.choices,
        coerce=lambda value: Priority(int(value)),
        show_hidden_initial=True,
    )
    category = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Not sure yet", show_hidden_initial=True
    )
    assignee = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Nobody", show_hidden_initial=True
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].queryset = queries.list_categories()
        self.fields["assignee"].queryset = accounts.list_agents()


class FilterForm(Form):
    """What the list is narrowed to, from the address of the page."""

    status = forms.ChoiceField(choices=[("", "All open"), *Status.choices], required=False)
    priority = forms.TypedChoiceField(
        choices=[("", "Any priority"), *Priority.choices], coerce=int, empty_value=None,
        required=False,
    )  # fmt: skip
    category = forms.SlugField(required=False)
    mood = forms.ChoiceField(
        choices=[("", "Any mood"), *((mood, mood) for mood in queries.MOODS)], required=False
    )
    assignee = forms.ChoiceField(
        choices=[("", "Anyone"), ("me", "Me"), ("nobody", "Nobody")], required=False
    )

    def narrowed(self) -> queries.TicketFilter:
        """The filter; what makes no sense in the address narrows nothing."""
        self.is_valid()
        return queries.TicketFilter(**self.cleaned_data)
