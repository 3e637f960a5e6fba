"""Holidays of a calendar."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from appliance.calendars import queries, services
from appliance.calendars.forms import HolidayForm
from appliance.manage.access import admins_only
from appliance.manage.sections.promises import CALENDARS
from appliance.manage.views.single import form_page


@require_POST
@admins_only
def add_holiday(request: HttpRequest, pk: int) -> HttpResponse:
    calendar = queries.access_calendar(request.user, pk)
    form = HolidayForm(request.POST)
    if form.is_valid():
        form.attempt(services.add_holiday, calendar=calendar, by=request.user, **form.values())
        if not form.errors:
            return redirect("edit-calendar", calendar.pk)
    return form_page(
        request, CALENDARS, calendar, form,
        title=_("Add a holiday to %(name)s") % {"name": calendar}, button=_("Add holiday"),
    )  # fmt: skip


@require_POST
@admins_only
def remove_holiday(request: HttpRequest, pk: int) -> HttpResponse:
    holiday = queries.access_holiday(request.user, pk)
    services.remove_holiday(holiday=holiday, by=request.user)
    messages.success(request, _("%(name)s is a working day again.") % {"name": holiday})
    return redirect("edit-calendar", holiday.calendar_id)
