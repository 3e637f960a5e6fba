"""Forms on policies and escalations. ``values()`` are the arguments of the services."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Organisation, Team
from appliance.calendars import queries as calendars_queries
from appliance.core.forms import Form
from appliance.sla.models import Escalation, Measure, Policy
from appliance.sla.words import describe_minutes
from appliance.tickets.models import Priority, TicketCategory

_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)")
_UNITS = re.compile(
    r"(?:(\d{1,5})\s*(?:h|hours?|std\.?|stunden?))?\s*(?:(\d{1,6})\s*(?:m|min\.?|minut\w*))?",
    re.IGNORECASE,
)


class MinutesField(forms.Field):
    """Working time as people write it: 4 h, 90 min, 1 h 30 min, 1:30. Becomes minutes."""

    default_error_messages = {
        "unreadable": _("Write the time as 4 h, 90 min or 1 h 30 min."),
    }

    def prepare_value(self, value: object) -> object:
        return describe_minutes(value) if isinstance(value, int) else value

    def to_python(self, value: object) -> int | None:
        text = str(value or "").strip()
        minutes = _read_minutes(text)
        if text and not minutes:
            raise ValidationError(self.error_messages["unreadable"], code="unreadable")
        return minutes or None


def _read_minutes(text: str) -> int:
    """0 for what cannot be read, or is no time at all. A bare number has no unit."""
    found = _CLOCK.fullmatch(text) or _UNITS.fullmatch(text)
    return int(found[1] or 0) * 60 + int(found[2] or 0) if found else 0


class PolicyForm(Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    answer_minutes = MinutesField(
        label=_("First answer within"),
        required=False,
        help_text=_("Working time: 4 h, 90 min, 1 h 30 min. Empty: not promised."),
    )
    solution_minutes = MinutesField(
        label=_("Solution within"),
        required=False,
        help_text=_("Working time. The clock stands still while the customer is asked."),
    )
    calendar = forms.ModelChoiceField(
        label=_("Working hours"),
        queryset=None,
        required=False,
        empty_label=_("The desk's default"),
    )
    priorities = forms.TypedMultipleChoiceField(
        label=_("Priorities"),
        choices=Priority.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: any."),
    )
    is_premium = forms.TypedChoiceField(
        label=_("Customers"),
        required=False,
        empty_value=None,
        coerce=lambda value: value == "yes",
        choices=[("", _("Any")), ("yes", _("Premium only")), ("no", _("Not premium"))],
    )
    categories = forms.ModelMultipleChoiceField(
        label=_("Categories"),
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: any."),
    )
    organisations = forms.ModelMultipleChoiceField(
        label=_("Organisations"),
        queryset=None,
        required=False,
        help_text=_("None chosen: any."),
        widget=forms.SelectMultiple(attrs={"size": 6}),
    )

    def __init__(
        self, data: dict | None = None, *args: object, policy: Policy | None = None, **kwargs
    ) -> None:
        initial = _initial(policy) | (kwargs.pop("initial", None) or {})
        super().__init__(data, *args, initial=initial, **kwargs)
        self.fields["calendar"].queryset = calendars_queries.list_calendars()
        self.fields["categories"].queryset = TicketCategory.objects.filter(is_active=True)
        self.fields["organisations"].queryset = Organisation.objects.all()

    def values(self) -> dict:
        return dict(self.cleaned_data)


def _initial(policy: Policy | None) -> dict:
    if policy is None:
        return {"answer_minutes": 240, "solution_minutes": 1440}
    premium = {None: "", True: "yes", False: "no"}[policy.is_premium]
    return {
        "name": policy.name,
        "answer_minutes": policy.answer_minutes,
        "solution_minutes": policy.solution_minutes,
        "calendar": policy.calendar_id,
        "priorities": policy.priorities,
        "is_premium": premium,
        "categories": [category.pk for category in policy.categories.all()],
        "organisations": [organisation.pk for organisation in policy.organisations.all()],
    }


class EscalationForm(Form):
    measure = forms.ChoiceField(label=_("Of the"), choices=Measure.choices)
    minutes = MinutesField(
        label=_("Time"),
        required=False,
        help_text=_("Working time: 30 min, 2 h. Empty: the moment it is due."),
    )
    when = forms.ChoiceField(
        label=_("When"),
        choices=[("before", _("before it is due")), ("after", _("after it was due"))],
    )
    action = forms.ChoiceField(label=_("Do"), choices=Escalation.Action.choices)
    priority = forms.TypedChoiceField(
        label=_("Raise to"),
        required=False,
        empty_value=None,
        coerce=lambda value: Priority(int(value)),
        choices=[("", _("No priority")), *Priority.choices[1:]],
    )
    team = forms.ModelChoiceField(
        label=_("Hand to team"), queryset=None, required=False, empty_label=_("No team")
    )
    assignee = forms.ModelChoiceField(
        label=_("Hand to person"), queryset=None, required=False, empty_label=_("Nobody")
    )
    tells = forms.MultipleChoiceField(
        label=_("Tell"),
        choices=Escalation.Told.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.filter(is_active=True)
        self.fields["assignee"].queryset = accounts_queries.list_agents()

    def values(self) -> dict:
        data = dict(self.cleaned_data)
        sign = -1 if data.pop("when") == "before" else 1
        return data | {"minutes": sign * (data["minutes"] or 0)}
