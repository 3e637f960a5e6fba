"""Calendars as admins keep them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import Http404

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry
from appliance.sla import queries, services
from appliance.sla.forms import BusinessHoursForm, HolidayForm
from appliance.sla.models import BusinessHours
from appliance.sla.weekly_hours import parse_week
from appliance.sla.working_time import ROUND_THE_CLOCK, add_working_time

OFFICE = parse_week(dict.fromkeys(["monday", "tuesday"], "08:00-12:00, 13:00-17:00"))


@pytest.fixture
def office(dan) -> BusinessHours:
    return services.add_business_hours(
        by=dan, name="Office", time_zone="Europe/Berlin", hours=OFFICE, is_default=True
    )


def form(**fields: str) -> BusinessHoursForm:
    return BusinessHoursForm({"name": "Office", "time_zone": "Europe/Berlin", **fields})


def test_hours_are_kept_as_they_were_written(dan):
    written = form(monday="8-12, 13:00 – 17:30", saturday="10:00–14:00")
    business_hours = (
        written.attempt(services.add_business_hours, by=dan, **written.values())
        if (written.is_valid())
        else None
    )
    assert business_hours.hours == {
        "0": [["08:00", "12:00"], ["13:00", "17:30"]],
        "5": [["10:00", "14:00"]],
    }
    assert (
        BusinessHoursForm(business_hours=business_hours)["monday"].value()
        == "08:00–12:00, 13:00–17:30"
    )


def test_a_span_over_midnight_is_cut_there():
    week = parse_week({"sunday": "22:00–06:00", "monday": "06:00-08:00"})
    assert week == {"0": [["00:00", "08:00"]], "6": [["22:00", "24:00"]]}


@pytest.mark.parametrize("text", ["nine to five", "8:75–12", "08:00–25:00", "08:00", "09:00–09:00"])
def test_hours_that_make_no_sense_name_their_day(text):
    written = form(tuesday=text)
    assert not written.is_valid()
    assert list(written.errors) == ["tuesday"]


def test_a_week_without_hours_is_refused_with_the_reason():
    written = form()
    assert not written.is_valid()
    assert "nothing is ever due" in written.errors["monday"][0]


def test_a_time_zone_nobody_knows_is_refused(dan):
    with pytest.raises(BadInputError) as refused:
        services.add_business_hours(by=dan, name="Atlantis", time_zone="Sea/Atlantis", hours=OFFICE)
    assert refused.value.field == "time_zone"


def test_names_are_unique(dan, office):
    with pytest.raises(BadInputError, match="already") as refused:
        services.add_business_hours(by=dan, name="Office", time_zone="UTC", hours=OFFICE)
    assert refused.value.field == "name"


def test_there_is_one_default(dan, office):
    ward = services.add_business_hours(
        by=dan, name="Ward", time_zone="UTC", hours=OFFICE, is_default=True
    )
    assert queries.find_default_business_hours() == ward
    with pytest.raises(BadInputError, match="default"):
        services.remove_business_hours(business_hours=ward, by=dan)
    services.remove_business_hours(business_hours=office, by=dan)


def test_without_a_calendar_the_desk_works_round_the_clock(db):
    assert queries.working_hours_of(queries.find_default_business_hours()) == ROUND_THE_CLOCK


def test_holidays_count_once_or_every_year(dan, office, django_assert_num_queries):
    services.add_holiday(business_hours=office, by=dan, on=date(2026, 7, 6), name="Regatta")
    services.add_holiday(
        business_hours=office, by=dan, on=date(2020, 7, 7), name="Tide", is_yearly=True
    )
    with django_assert_num_queries(2):
        hours = queries.working_hours_of(queries.find_default_business_hours())
    sunday = datetime(2026, 7, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    assert add_working_time(sunday, 60, hours).date() == date(2026, 7, 13)


def test_a_day_is_a_holiday_once(dan, office):
    for name in ("Regatta", "Tide"):
        written = HolidayForm({"on": "2026-07-06", "name": name})
        assert written.is_valid()
        written.attempt(services.add_holiday, business_hours=office, by=dan, **written.values())
    assert "already a holiday" in written.errors["on"][0]


def test_every_change_is_written_down(dan, office):
    services.change_business_hours(
        business_hours=office, by=dan, name="Office", time_zone="UTC", hours=OFFICE, is_default=True
    )
    holiday = services.add_holiday(
        business_hours=office, by=dan, on=date(2026, 7, 6), name="Regatta"
    )
    services.remove_holiday(holiday=holiday, by=dan)
    assert [change.verb for change in AuditEntry.objects.all()] == [
        "removed",
        "added",
        "changed",
        "added",
    ]
    assert AuditEntry.objects.get(verb="changed").data == {"time_zone": ["Europe/Berlin", "UTC"]}


def test_only_admins_set_hours(bob, office):
    with pytest.raises(ForbiddenError):
        services.remove_business_hours(business_hours=office, by=bob)
    with pytest.raises(Http404):
        queries.access_business_hours(bob, office.pk)
