"""Forms on the desk itself."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts import choices
from appliance.accounts.models import Right
from appliance.core.forms import Form
from appliance.core.models import Desk


class DeskForm(Form):
    name = forms.CharField(label=_("Name of this desk"), max_length=80)
    base_url = forms.CharField(
        label=_("Address"),
        max_length=200,
        required=False,
        help_text=_(
            "How people reach the desk, for instance http://desk.example:8000. Links in "
            "mail begin so."
        ),
    )
    language = forms.ChoiceField(label=_("Language"), choices=choices.languages)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=choices.time_zones)
    agent_rights = forms.MultipleChoiceField(
        label=_("Every agent may"),
        choices=Right.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What you take away here, a team can still give to its members."),
    )
    is_registration_open = forms.BooleanField(
        label=_("Customers may register themselves"), required=False
    )
    guests_may_ask = forms.BooleanField(
        label=_("Guests may open a ticket"),
        required=False,
        help_text=_("Without an account; they get a secret link to follow it."),
    )
    is_knowledge_public = forms.BooleanField(
        label=_("Anybody may read the articles"),
        required=False,
        help_text=_("Published ones, without an account."),
    )
    asks_for_rating = forms.BooleanField(
        label=_("Ask customers to rate the solution"), required=False
    )
    close_solved_after_days = forms.IntegerField(
        label=_("Close solved tickets after (days)"),
        min_value=1,
        max_value=365,
        required=False,
        help_text=_("Until then an answer of the customer opens them again. Empty: never."),
    )
    attachment_limit_mb = forms.IntegerField(
        label=_("Largest attachment (MB)"), min_value=1, max_value=100
    )

    GROUPS = (
        (_("The desk"), ("name", "base_url", "language", "time_zone")),
        (
            _("Customers and guests"),
            ("is_registration_open", "guests_may_ask", "is_knowledge_public", "asks_for_rating"),
        ),
        (_("Tickets"), ("close_solved_after_days", "attachment_limit_mb")),
        (_("Agents"), ("agent_rights",)),
    )

    def __init__(self, data: Mapping | None, desk: Desk) -> None:
        super().__init__(data, initial={name: getattr(desk, name) for name in self.base_fields})

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]

    def values(self) -> dict:
        return {name: self.cleaned_data[name] for name in self.fields}


class LogoForm(Form):
    logo = forms.FileField(
        label=_("Image file"),
        required=False,
        help_text=_("PNG, JPEG or WebP, at most 500 KB. It is shown 28 pixels high."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
