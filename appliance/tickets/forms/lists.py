"""The form of what a list is narrowed to."""

from django import forms

from appliance.core.forms import Form
from appliance.tickets import queries
from appliance.tickets.models import Priority, Status


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
