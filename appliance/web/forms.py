"""Forms that belong to no single room."""

import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts.forms import PersonForm
from appliance.core.forms import Form
from appliance.tickets import services as tickets_services


class MacroUseForm(Form):
    """What comes with one click on a macro."""

    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
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
        help_text=_("Topics of your tickets. New tickets are classified into these categories. You "
            "can add more later."),
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
        self.fields["categories"].choices = [(row["slug"], row["name"]) for row in rows]
        self.fields["categories"].initial = [row["slug"] for row in rows]
