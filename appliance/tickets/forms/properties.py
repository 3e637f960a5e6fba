"""The form of what a ticket is: status, priority, category, assignee."""

from django import forms

from appliance.accounts import queries as accounts
from appliance.core.forms import Form
from appliance.tickets import queries
from appliance.tickets.models import Priority, Status


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
