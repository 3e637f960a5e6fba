"""Forms on calendars and holidays."""

from zoneinfo import available_timezones

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from appliance.calendars.models import Calendar
from appliance.calendars.week import DAYS, parse_week, show_day
from appliance.core.errors import BadInputError
from appliance.core.forms import Form


def time_zones() -> list[tuple[str, str]]:
    """By region and place; the aliases of old systems (EST5EDT, posix/…) are left out."""
    names = {name for name in available_timezones() if "/" in name or name == "UTC"}
    shown = sorted(name for name in names if not name.startswith(("Etc/", "SystemV/", "posix/")))
    return [(name, name.replace("_", " ")) for name in shown]


class CalendarForm(Form):
    """``values()`` are the arguments of add_calendar and change_calendar."""

    name = forms.CharField(label=_("Name"), max_length=80)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones)
    is_default = forms.BooleanField(
        label=_("Default of the desk"),
        required=False,
        help_text=_("Counts for policies and people that have no calendar of their own."),
    )

    def __init__(
        self, data: dict | None = None, *args: object, calendar: Calendar | None = None, **kwargs
    ) -> None:
        initial = _initial(calendar) | (kwargs.pop("initial", None) or {})
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
    hint = _("For example 08:00–12:00, 13:00–17:00. Empty: closed. 22:00–06:00 ends next morning.")
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


def _initial(calendar: Calendar | None) -> dict:
    if calendar is None:
        office = "08:00–17:00"
        return {"time_zone": "UTC", **dict.fromkeys(DAYS[:5], office)}
    return {
        "name": calendar.name,
        "time_zone": calendar.time_zone,
        "is_default": calendar.is_default,
        **{day: show_day(calendar.hours, number) for number, day in enumerate(DAYS)},
    }


class HolidayForm(Form):
    on = forms.DateField(
        label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    name = forms.CharField(label=_("Name"), max_length=80)
    is_yearly = forms.BooleanField(
        label=_("Every year"),
        required=False,
        help_text=_("On the same date. One on 29 February is a holiday in leap years only."),
    )

    def values(self) -> dict:
        return dict(self.cleaned_data)
