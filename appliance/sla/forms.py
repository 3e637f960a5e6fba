"""Forms on calendars and holidays."""

import re
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
from appliance.sla.models import BusinessHours, Escalation, SlaMetric, SlaPolicy
from appliance.sla.status import describe_minutes
from appliance.sla.weekly_hours import DAYS, parse_week, show_day
from appliance.tickets.models import Priority, TicketCategory


def time_zones() -> list[tuple[str, str]]:
    """By region and place; the aliases of old systems (EST5EDT, posix/…) are left out."""
    names = {name for name in available_timezones() if "/" in name or name == "UTC"}
    shown = sorted(name for name in names if not name.startswith(("Etc/", "SystemV/", "posix/")))
    return [(name, name.replace("_", " ")) for name in shown]


class BusinessHoursForm(Form):
    """``values()`` are the arguments of add_business_hours and change_business_hours."""

    name = forms.CharField(label=_("Name"), max_length=80)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones)
    is_default = forms.BooleanField(
        label=_("Default calendar"),
        required=False,
        help_text=_("Used for SLA policies and users without a calendar of their own."),
    )

    def __init__(
        self,
        data: dict | None = None,
        *args: object,
        business_hours: BusinessHours | None = None,
        **kwargs,
    ) -> None:
        initial = _initial_hours(business_hours) | (kwargs.pop("initial", None) or {})
        self.base_fields = {**self.base_fields, **_day_fields()}
        super().__init__(data, *args, initial=initial, **kwargs)
        self.order_fields(["name", "time_zone", *DAYS, "is_default"])

    def clean(self) -> dict:
        data = super().clean()
        try:
            data["hours"] = parse_week({day: data.get(day, "") for day in DAYS})
        except BadInputError as error:
            self.add_error(error.field, str(error))
        return data

    def values(self) -> dict:
        names = ("name", "time_zone", "hours", "is_default")
        return {name: self.cleaned_data[name] for name in names}


def _day_fields() -> dict[str, forms.Field]:
    hint = _(
        "For example 08:00–12:00, 13:00–17:00. Leave empty if closed. 22:00–06:00 ends the "
        "next morning."
    )
    return {
        day: forms.CharField(
            label=WEEKDAYS[number],
            max_length=200,
            required=False,
            help_text=hint if number == 0 else "",
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )
        for number, day in enumerate(DAYS)
    }


def _initial_hours(business_hours: BusinessHours | None) -> dict:
    if business_hours is None:
        office = "08:00–17:00"
        return {"time_zone": "UTC", **dict.fromkeys(DAYS[:5], office)}
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

    def values(self) -> dict:
        return dict(self.cleaned_data)


_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)")
_UNITS = re.compile(
    r"(?:(\d{1,5})\s*(?:h|hours?|std\.?|stunden?))?\s*(?:(\d{1,6})\s*(?:m|min\.?|minut\w*))?",
    re.IGNORECASE,
)


class MinutesField(forms.Field):
    """Working time as people write it: 4 h, 90 min, 1 h 30 min, 1:30. Becomes minutes."""

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
    """0 for what cannot be read, or is no time at all. A bare number has no unit."""
    match = _CLOCK.fullmatch(text) or _UNITS.fullmatch(text)
    return int(match[1] or 0) * 60 + int(match[2] or 0) if match else 0


class PolicyForm(Form):
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
        queryset=None,
        required=False,
        empty_label=_("Default"),
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
    categories = forms.ModelMultipleChoiceField(
        label=_("Categories"),
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave empty for any."),
    )
    organisations = forms.ModelMultipleChoiceField(
        label=_("Organisations"),
        queryset=None,
        required=False,
        help_text=_("Leave empty for any."),
        widget=forms.SelectMultiple(attrs={"size": 6}),
    )

    def __init__(
        self, data: dict | None = None, *args: object, policy: SlaPolicy | None = None, **kwargs
    ) -> None:
        initial = _initial_policy(policy) | (kwargs.pop("initial", None) or {})
        super().__init__(data, *args, initial=initial, **kwargs)
        self.set_queryset("business_hours", queries.list_business_hours())
        self.set_queryset("categories", TicketCategory.objects.filter(is_active=True))
        self.set_queryset("organisations", Organisation.objects.all())

    def values(self) -> dict:
        return dict(self.cleaned_data)


def _initial_policy(policy: SlaPolicy | None) -> dict:
    if policy is None:
        return {"first_response_minutes": 240, "resolution_minutes": 1440}
    premium = {None: "", True: "yes", False: "no"}[policy.is_premium]
    return {
        "name": policy.name,
        "first_response_minutes": policy.first_response_minutes,
        "resolution_minutes": policy.resolution_minutes,
        "business_hours": policy.business_hours_id,
        "priorities": policy.priorities,
        "is_premium": premium,
        "categories": [category.pk for category in policy.categories.all()],
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
        label=_("Assign to team"), queryset=None, required=False, empty_label=_("No team")
    )
    assignee = forms.ModelChoiceField(
        label=_("Assign to agent"), queryset=None, required=False, empty_label=_("Nobody")
    )
    recipients = forms.MultipleChoiceField(
        label=_("Notify"),
        choices=Escalation.Recipient.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.set_queryset("team", Team.objects.filter(is_active=True))
        self.set_queryset("assignee", accounts_queries.list_agents())

    def values(self) -> dict:
        data = dict(self.cleaned_data)
        sign = -1 if data.pop("when") == "before" else 1
        return data | {"minutes": sign * (data["minutes"] or 0)}
