"""The form of a rule."""

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team
from appliance.core.forms import Form
from appliance.routing.models import AssignmentRule
from appliance.tickets.models import Priority, TicketCategory


class RuleForm(Form):
    """``values()`` are the arguments of add_rule and change_rule."""

    name = forms.CharField(label=_("Name"), max_length=80)
    team = forms.ModelChoiceField(label=_("Team"), queryset=None, empty_label=_("Choose a team"))
    strategy = forms.ChoiceField(
        label=_("Assign"),
        choices=AssignmentRule.Strategy.choices,
        help_text=_("Only to agents within business hours who are not out of office."),
    )
    categories = forms.ModelMultipleChoiceField(
        label=_("Categories"),
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave empty for any."),
    )
    priorities = forms.TypedMultipleChoiceField(
        label=_("Priorities"),
        choices=Priority.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave empty for any."),
    )
    is_premium = forms.TypedChoiceField(
        label=_("Customers"),
        required=False,
        empty_value=None,
        coerce=lambda value: value == "yes",
        choices=[("", _("Any")), ("yes", _("VIP only")), ("no", _("Not VIP"))],
    )

    def __init__(
        self, data: dict | None = None, *args: object, rule: AssignmentRule | None = None, **kwargs
    ) -> None:
        initial = _initial(rule) | (kwargs.pop("initial", None) or {})
        super().__init__(data, *args, initial=initial, **kwargs)
        self.set_queryset("team", Team.objects.filter(is_active=True))
        self.set_queryset("categories", TicketCategory.objects.filter(is_active=True))

    def values(self) -> dict:
        return dict(self.cleaned_data)


def _initial(rule: AssignmentRule | None) -> dict:
    if rule is None:
        return {"strategy": AssignmentRule.Strategy.MIN_OPEN}
    return {
        "name": rule.name,
        "team": rule.team_id,
        "strategy": rule.strategy,
        "categories": [category.pk for category in rule.categories.all()],
        "priorities": rule.priorities,
        "is_premium": {None: "", True: "yes", False: "no"}[rule.is_premium],
    }
