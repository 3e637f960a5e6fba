"""Forms for business hours, holidays, policies and escalations.

``values()`` returns the arguments of the services.
"""

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Organisation, Team
from appliance.core.errors import BadInputError
from appliance.core.forms import Form
from appliance.sla import queries
from appliance.sla.models import BusinessHours, Escalation, SlaMetric, SlaPolicy, TicketConditions
from appliance.sla.status import describe_minutes
from appliance.sla.weekly_hours import DAYS, parse_week, show_day
from appliance.tickets.models import Priority, TicketCategory


def time_zones() -> list[tuple[str, str]]:
    """Return the time zones by region and place, without old aliases (EST5EDT, posix/…)."""
    names = {name for name in available_timezones() if "/" in name or name == "UTC"}
    shown = sorted(name for name in names if not name.startswith(("Etc/", "SystemV/", "posix/")))
    return [(name, name.replace("_", " ")) for name in shown]


def _day_field(day: int) -> forms.CharField:
    hint = _(
        "For example 08:00–12:00, 13:00–17:00. Leave empty if closed. 22:00–06:00 ends the "
        "next morning."
    )
    return forms.CharField(
        label=WEEKDAYS[day],
        max_length=200,
        required=False,
        help_text=hint if day == 0 else "",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class BusinessHoursForm(Form):
    """Name, time zone and the hours of each weekday as text."""

    name = forms.CharField(label=_("Name"), max_length=80)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones)
    monday = _day_field(0)
    tuesday = _day_field(1)
    wednesday = _day_field(2)
    thursday = _day_field(3)
    friday = _day_field(4)
    saturday = _day_field(5)
    sunday = _day_field(6)
    is_default = forms.BooleanField(
        label=_("Default calendar"),
        required=False,
        help_text=_("Used for SLA policies and users without a calendar of their own."),
    )

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        business_hours: BusinessHours | None = None,
    ) -> None:
        super().__init__(data, initial=_initial_hours(business_hours))

    def clean(self) -> dict[str, Any]:
        """Parse the texts of the days into ``hours``."""
        data = super().clean()
        try:
            data["hours"] = parse_week({day: data.get(day, "") for day in DAYS})
        except BadInputError as error:
            self.add_error(error.field, str(error))
        return data

    def values(self) -> dict[str, Any]:
        names = ("name", "time_zone", "hours", "is_default")
        return {name: self.cleaned_data[name] for name in names}


def _initial_hours(business_hours: BusinessHours | None) -> dict[str, object]:
    if business_hours is None:
        return {"time_zone": "UTC", **dict.fromkeys(DAYS[:5], "08:00–17:00")}
    return {
        "name": business_hours.name,
        "time_zone": business_hours.time_zone,
        "is_default": business_hours.is_default,
        **{day: show_day(business_hours.hours, number) for number, day in enumerate(DAYS)},
    }


class HolidayForm(Form):
    on = forms.DateField(
        label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    name = forms.CharField(label=_("Name"), max_length=80)
    is_yearly = forms.BooleanField(
        label=_("Every year"),
        required=False,
        help_text=_("Repeats on the same date. 29 February applies in leap years only."),
    )

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)")
_UNITS = re.compile(
    r"(?:(\d{1,5})\s*(?:h|hours?|std\.?|stunden?))?\s*(?:(\d{1,6})\s*(?:m|min\.?|minut\w*))?",
    re.IGNORECASE,
)


class MinutesField(forms.Field):
    """Business time written as 4 h, 90 min, 1 h 30 min or 1:30. Cleans to minutes."""

    default_error_messages = {
        "unreadable": _("Enter the time as 4 h, 90 min or 1 h 30 min."),
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
    """Return the minutes; 0 for unreadable text, which includes a number without a unit."""
    match = _CLOCK.fullmatch(text) or _UNITS.fullmatch(text)
    return int(match[1] or 0) * 60 + int(match[2] or 0) if match else 0


class TicketConditionsForm(Form):
    """Base of the forms for what applies to some tickets only."""

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
    categories = forms.ModelMultipleChoiceField(
        label=_("Categories"),
        queryset=TicketCategory.objects.filter(is_active=True),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave empty for any."),
    )

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


def initial_conditions(conditions: TicketConditions) -> dict[str, object]:
    """Return the initial values of a TicketConditionsForm."""
    return {
        "priorities": conditions.priorities,
        "is_premium": {None: "", True: "yes", False: "no"}[conditions.is_premium],
        "categories": [category.pk for category in conditions.categories.all()],
    }


class PolicyForm(TicketConditionsForm):
    name = forms.CharField(label=_("Name"), max_length=80)
    first_response_minutes = MinutesField(
        label=_("First response within"),
        required=False,
        help_text=_("In business hours: 4 h, 90 min, 1 h 30 min. Leave empty for no target."),
    )
    resolution_minutes = MinutesField(
        label=_("Resolution within"),
        required=False,
        help_text=_("In business hours. Paused while waiting for the customer."),
    )
    business_hours = forms.ModelChoiceField(
        label=_("Business hours"),
        queryset=queries.list_business_hours(),
        required=False,
        empty_label=_("Default"),
    )
    organisations = forms.ModelMultipleChoiceField(
        label=_("Organisations"),
        queryset=Organisation.objects.all(),
        required=False,
        help_text=_("Leave empty for any."),
        widget=forms.SelectMultiple(attrs={"size": 6}),
    )

    field_order = [
        "name",
        "first_response_minutes",
        "resolution_minutes",
        "business_hours",
        "priorities",
        "is_premium",
        "categories",
        "organisations",
    ]

    def __init__(
        self, data: Mapping[str, object] | None = None, *, policy: SlaPolicy | None = None
    ) -> None:
        super().__init__(data, initial=_initial_policy(policy))


def _initial_policy(policy: SlaPolicy | None) -> dict[str, object]:
    if policy is None:
        return {"first_response_minutes": 240, "resolution_minutes": 1440}
    return {
        **initial_conditions(policy),
        "name": policy.name,
        "first_response_minutes": policy.first_response_minutes,
        "resolution_minutes": policy.resolution_minutes,
        "business_hours": policy.business_hours_id,
        "organisations": [organisation.pk for organisation in policy.organisations.all()],
    }


class EscalationForm(Form):
    metric = forms.ChoiceField(label=_("Target"), choices=SlaMetric.choices)
    minutes = MinutesField(
        label=_("Time"),
        required=False,
        help_text=_("In business hours: 30 min, 2 h. Leave empty for the due time itself."),
    )
    when = forms.ChoiceField(
        label=_("When"),
        choices=[("before", _("before due time")), ("after", _("after due time"))],
    )
    action = forms.ChoiceField(label=_("Action"), choices=Escalation.Action.choices)
    priority = forms.TypedChoiceField(
        label=_("New priority"),
        required=False,
        empty_value=None,
        coerce=lambda value: Priority(int(value)),
        choices=[("", _("No priority")), *Priority.choices[1:]],
    )
    team = forms.ModelChoiceField(
        label=_("Assign to team"),
        queryset=Team.objects.filter(is_active=True),
        required=False,
        empty_label=_("No team"),
    )
    assignee = forms.ModelChoiceField(
        label=_("Assign to agent"),
        queryset=accounts_queries.list_agents(),
        required=False,
        empty_label=_("Nobody"),
    )
    recipients = forms.MultipleChoiceField(
        label=_("Notify"),
        choices=Escalation.Recipient.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def values(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        sign = -1 if data.pop("when") == "before" else 1
        return data | {"minutes": sign * (data["minutes"] or 0)}
