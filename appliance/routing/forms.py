"""The form for assignment rules."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team
from appliance.routing.models import AssignmentRule
from appliance.sla.forms import TicketConditionsForm, initial_conditions


class RuleForm(TicketConditionsForm):
    """``values()`` returns the arguments of add_rule and change_rule."""

    name = forms.CharField(label=_("Name"), max_length=80)
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.filter(is_active=True),
        empty_label=_("Choose a team"),
    )
    strategy = forms.ChoiceField(
        label=_("Assign"),
        choices=AssignmentRule.Strategy.choices,
        help_text=_("Only to agents within business hours who are not out of office."),
    )
    field_order = ["name", "team", "strategy", "categories", "priorities", "is_premium"]

    def __init__(
        self, data: Mapping[str, object] | None = None, *, rule: AssignmentRule | None = None
    ) -> None:
        super().__init__(data, initial=_initial(rule))


def _initial(rule: AssignmentRule | None) -> dict[str, object]:
    if rule is None:
        return {"strategy": AssignmentRule.Strategy.MIN_OPEN}
    return {
        **initial_conditions(rule),
        "name": rule.name,
        "team": rule.team_id,
        "strategy": rule.strategy,
    }
