"""Business hours and holidays, and their forms."""

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


def business_hours_form(**fields: str) -> BusinessHoursForm:
    return BusinessHoursForm({"name": "Office", "time_zone": "Europe/Berlin", **fields})


def test_hours_are_stored_as_entered(dan):
    form = business_hours_form(monday="8-12, 13:00 – 17:30", saturday="10:00–14:00")
    assert form.is_valid()
    business_hours = form.attempt(services.add_business_hours, by=dan, **form.values())
    assert business_hours.hours == {
        "0": [["08:00", "12:00"], ["13:00", "17:30"]],
        "5": [["10:00", "14:00"]],
    }
    assert (
        BusinessHoursForm(business_hours=business_hours)["monday"].value()
        == "08:00–12:00, 13:00–17:30"
    )


def test_span_over_midnight_is_split_at_midnight():
    week = parse_week({"sunday": "22:00–06:00", "monday": "06:00-08:00"})
    assert week == {"0": [["00:00", "08:00"]], "6": [["22:00", "24:00"]]}


@pytest.mark.parametrize("text", ["nine to five", "8:75–12", "08:00–25:00", "08:00", "09:00–09:00"])
def test_invalid_hours_are_an_error_of_their_day(text):
    form = business_hours_form(tuesday=text)
    assert not form.is_valid()
    assert list(form.errors) == ["tuesday"]


def test_week_without_hours_is_refused_with_the_reason():
    form = business_hours_form()
    assert not form.is_valid()
    assert "nothing is ever due" in form.errors["monday"][0]


def test_unknown_time_zone_is_refused(dan):
    with pytest.raises(BadInputError) as error:
        services.add_business_hours(by=dan, name="Atlantis", time_zone="Sea/Atlantis", hours=OFFICE)
    assert error.value.field == "time_zone"


def test_names_of_business_hours_are_unique(dan, office):
    with pytest.raises(BadInputError, match="already") as error:
        services.add_business_hours(by=dan, name="Office", time_zone="UTC", hours=OFFICE)
    assert error.value.field == "name"


def test_only_one_default_exists_and_it_cannot_be_removed(dan, office):
    ward = services.add_business_hours(
        by=dan, name="Ward", time_zone="UTC", hours=OFFICE, is_default=True
    )
    assert queries.find_default_business_hours() == ward
    with pytest.raises(BadInputError, match="default"):
        services.remove_business_hours(business_hours=ward, by=dan)
    services.remove_business_hours(business_hours=office, by=dan)


def test_without_business_hours_time_counts_round_the_clock(db):
    assert queries.working_hours_of(queries.find_default_business_hours()) == ROUND_THE_CLOCK


def test_holidays_apply_once_or_every_year(dan, office, django_assert_num_queries):
    services.add_holiday(business_hours=office, by=dan, on=date(2026, 7, 6), name="Regatta")
    services.add_holiday(
        business_hours=office, by=dan, on=date(2020, 7, 7), name="Tide", is_yearly=True
    )
    with django_assert_num_queries(2):
        hours = queries.working_hours_of(queries.find_default_business_hours())
    sunday = datetime(2026, 7, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    assert add_working_time(sunday, 60, hours).date() == date(2026, 7, 13)


def test_second_holiday_on_a_date_is_refused(dan, office):
    for name in ("Regatta", "Tide"):
        form = HolidayForm({"on": "2026-07-06", "name": name})
        assert form.is_valid()
        form.attempt(services.add_holiday, business_hours=office, by=dan, **form.values())
    assert "already a holiday" in form.errors["on"][0]


def test_every_change_is_in_the_audit_log(dan, office):
    services.change_business_hours(
        business_hours=office, by=dan, name="Office", time_zone="UTC", hours=OFFICE, is_default=True
    )
    holiday = services.add_holiday(
        business_hours=office, by=dan, on=date(2026, 7, 6), name="Regatta"
    )
    services.remove_holiday(holiday=holiday, by=dan)
    assert [entry.verb for entry in AuditEntry.objects.all()] == [
        "removed",
        "added",
        "changed",
        "added",
    ]
    assert AuditEntry.objects.get(verb="changed").data == {"time_zone": ["Europe/Berlin", "UTC"]}


def test_only_admins_change_business_hours(bob, office):
    with pytest.raises(ForbiddenError):
        services.remove_business_hours(business_hours=office, by=bob)
    with pytest.raises(Http404):
        queries.access_business_hours(bob, office.pk)
