"""When the desk works, and what it promises."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.calendars import queries, services
from appliance.calendars.forms import CalendarForm, HolidayForm
from appliance.calendars.models import Calendar
from appliance.manage.sections import lists
from appliance.manage.sections.section import Column, Section


def _week(calendar: Calendar) -> str:
    return "; ".join(f"{day} {hours}" for day, hours in queries.describe_week(calendar))


def _holidays(calendar: Calendar) -> str:
    n = len(calendar.holidays.all())
    return ngettext("%(n)d holiday", "%(n)d holidays", n) % {"n": n}


CALENDARS = Section(
    slug="calendars",
    one="calendar",
    title=gettext_lazy("Calendars and holidays"),
    icon="bi-calendar-week",
    about=gettext_lazy(
        "Working hours of a week and the days nobody works. Promises count by them."
    ),
    help=gettext_lazy("Promises on open tickets follow a change within a minute."),
    rows=lists.list_calendars,
    access=queries.access_calendar,
    columns=(
        Column(gettext_lazy("Name"), lambda calendar: calendar.name),
        Column(gettext_lazy("Hours"), _week, True),
        Column(gettext_lazy("Time zone"), lambda calendar: calendar.time_zone),
        Column(gettext_lazy("Holidays"), _holidays),
        Column(gettext_lazy("Default"), lambda calendar: calendar.is_default),
    ),
    form=lambda data, viewer, row: CalendarForm(data, calendar=row),
    add=services.add_calendar,
    add_words=gettext_lazy("Add a calendar"),
    change=services.change_calendar,
    remove=services.remove_calendar,
    remove_words=gettext_lazy("Remove"),
    affects=lambda calendar: [
        _("Its holidays go with it."),
        _("People whose hours it was work by the desk's calendar from now on."),
    ],
    more="manage/_calendar.html",
    more_of=lambda request, row: {"holiday_form": HolidayForm(None)},
)
