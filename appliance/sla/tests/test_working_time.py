"""Working time is what the wall clock says, through changed clocks, holidays and leap years."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.sla.working_time import (
    ROUND_THE_CLOCK,
    Holidays,
    Hours,
    NoHoursError,
    add_working_time,
    is_working_at,
    working_seconds_between,
)

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
]
HOUR = 3600


def office(zone: ZoneInfo, *, holidays: Holidays | None = None) -> Hours:
    """Monday to Friday, 9 to 17."""
    return Hours(((((9 * 60, 17 * 60),),) * 5 + ((),) * 2), zone, holidays or Holidays())


def every_day(zone: ZoneInfo, *spans: tuple[int, int]) -> Hours:
    return Hours((spans,) * 7, zone)


def test_the_evening_and_the_weekend_do_not_count():
    friday = datetime(2026, 7, 3, 16, 0, tzinfo=BERLIN)
    due = add_working_time(friday, 2 * HOUR, office(BERLIN))
    assert due == datetime(2026, 7, 6, 10, 0, tzinfo=BERLIN)


def test_work_that_fills_the_day_is_due_when_the_day_ends():
    morning = datetime(2026, 7, 1, 9, 0, tzinfo=BERLIN)
    assert add_working_time(morning, 8 * HOUR, office(BERLIN)) == morning + timedelta(hours=8)


def test_nothing_to_do_is_done_at_once_even_at_night():
    night = datetime(2026, 7, 1, 3, 0, tzinfo=BERLIN)
    assert add_working_time(night, 0, office(BERLIN)) == night


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"),
    [
        (BERLIN, date(2026, 3, 29), date(2026, 10, 25)),
        (NEW_YORK, date(2026, 3, 8), date(2026, 11, 1)),
    ],
)
def test_a_day_has_23_hours_in_spring_and_25_in_autumn(zone, spring, autumn):
    round_the_clock = every_day(zone, (0, 1440))
    for day, hours in ((spring, 23), (autumn, 25)):
        new_timer = datetime(day.year, day.month, day.day, tzinfo=zone)
        end = new_timer + timedelta(days=1)
        assert working_seconds_between(new_timer, end, round_the_clock) == hours * HOUR


def test_the_hour_missing_in_spring_counts_for_nothing():
    nights = every_day(BERLIN, (60, 150))  # 01:00 to 02:30; the clock jumps from 02:00 to 03:00
    new_timer = datetime(2026, 3, 29, 0, 0, tzinfo=BERLIN)
    assert working_seconds_between(new_timer, new_timer + timedelta(days=1), nights) == HOUR


def test_hours_that_lie_in_the_missing_hour_are_not_worked_that_day():
    nights = every_day(NEW_YORK, (125, 155))  # 02:05 to 02:35
    start = datetime(2026, 3, 8, 0, 0, tzinfo=NEW_YORK)
    assert add_working_time(start, 60, nights) == datetime(2026, 3, 9, 2, 6, tzinfo=NEW_YORK)


def test_the_hour_that_comes_twice_is_worked_twice():
    nights = every_day(NEW_YORK, (60, 90))  # 01:00 to 01:30
    new_timer = datetime(2026, 11, 1, 0, 0, tzinfo=NEW_YORK)
    second = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1).astimezone(UTC)
    assert working_seconds_between(new_timer, new_timer + timedelta(days=1), nights) == HOUR
    assert add_working_time(new_timer, HOUR, nights) == second


def test_a_night_shift_goes_on_over_midnight():
    shift = every_day(BERLIN, (0, 6 * 60), (22 * 60, 24 * 60))
    late = datetime(2026, 7, 1, 23, 0, tzinfo=BERLIN)
    assert add_working_time(late, 3 * HOUR, shift) == late + timedelta(hours=3)


def test_midnight_itself_may_be_missing():
    beirut = ZoneInfo("Asia/Beirut")  # the clock jumps from 00:00 to 01:00
    new_timer = datetime(2026, 3, 28, 23, 0, tzinfo=beirut)
    end = datetime(2026, 3, 29, 2, 0, tzinfo=beirut)
    assert working_seconds_between(new_timer, end, every_day(beirut, (0, 1440))) == 2 * HOUR


def test_a_date_the_zone_left_out_is_no_working_day():
    apia = ZoneInfo("Pacific/Apia")  # there was no 30 December 2011
    new_timer = datetime(2011, 12, 29, 9, 0, tzinfo=apia)
    assert add_working_time(new_timer, 9 * HOUR, every_day(apia, (540, 1020))) == datetime(
        2011, 12, 31, 10, 0, tzinfo=apia
    )


def test_a_holiday_is_skipped_in_the_zone_of_the_calendar():
    newyear = Holidays(once=frozenset({date(2027, 1, 1)}))
    before = datetime(2026, 12, 31, 16, 0, tzinfo=NEW_YORK)
    due = add_working_time(before, 2 * HOUR, office(NEW_YORK, holidays=newyear))
    assert due == datetime(2027, 1, 4, 10, 0, tzinfo=NEW_YORK)


def test_a_holiday_on_29_february_is_one_in_leap_years_only():
    hours = Hours((((0, 1440),),) * 7, BERLIN, Holidays(yearly=frozenset({(2, 29)})))
    leap = datetime(2028, 2, 28, 12, 0, tzinfo=BERLIN)
    plain = datetime(2027, 2, 28, 12, 0, tzinfo=BERLIN)
    assert add_working_time(leap, 24 * HOUR, hours) == datetime(2028, 3, 1, 12, 0, tzinfo=BERLIN)
    assert add_working_time(plain, 24 * HOUR, hours) == datetime(2027, 3, 1, 12, 0, tzinfo=BERLIN)


def test_29_february_is_a_day_like_others():
    start = datetime(2028, 2, 28, 16, 0, tzinfo=BERLIN)  # a Monday
    due = add_working_time(start, 2 * HOUR, office(BERLIN))
    assert due == datetime(2028, 2, 29, 10, 0, tzinfo=BERLIN)


def test_a_week_without_hours_is_refused():
    with pytest.raises(NoHoursError):
        Hours(((),) * 7, BERLIN)


def test_holidays_without_end_are_told_instead_of_searched_for_ever():
    mondays = ((540, 1020),)
    first = date(2026, 1, 5)
    holidays = Holidays(once=frozenset(first + timedelta(weeks=n) for n in range(600)))
    with pytest.raises(NoHoursError):
        add_working_time(
            datetime(2026, 1, 1, tzinfo=BERLIN),
            1,
            Hours((mondays, *((),) * 6), BERLIN, holidays),
        )


def test_round_the_clock_is_plain_time():
    start = datetime(2026, 3, 29, 0, 30, tzinfo=BERLIN)
    assert add_working_time(start, 90_000, ROUND_THE_CLOCK) == start.astimezone(UTC) + timedelta(
        seconds=90_000
    )


# --- whatever the hours

quarters = st.lists(st.integers(0, 96), max_size=6, unique=True).map(sorted)
days = quarters.map(
    lambda cuts: tuple((a * 15, b * 15) for a, b in zip(cuts[::2], cuts[1::2], strict=False))
)
near_changes = st.sampled_from(
    [
        datetime(2026, 3, 8),
        datetime(2026, 3, 29),
        datetime(2026, 10, 25),
        datetime(2026, 11, 1),
        datetime(2028, 2, 28),
        datetime(2026, 4, 5),
        datetime(2026, 10, 4),
        datetime(2017, 10, 14),
        datetime(2018, 2, 17),
        datetime(2011, 12, 29),
    ]
)
moments = st.builds(
    lambda day, minutes: day.replace(tzinfo=UTC) + timedelta(minutes=minutes),
    near_changes,
    st.integers(-2 * 1440, 3 * 1440),
)
hours = st.builds(
    lambda week, zone, off: Hours(week, ZoneInfo(zone), Holidays(yearly=frozenset(off))),
    st.tuples(*[days] * 7).filter(any),
    st.sampled_from(ZONES),
    st.sets(st.sampled_from([(2, 29), (3, 29), (10, 25), (11, 1)]), max_size=2),
)
spans = st.integers(1, 20 * 24 * HOUR)
quickly = settings(max_examples=100, deadline=None, derandomize=True)


@quickly
@given(hours, moments, spans)
def test_what_was_added_is_what_lies_between(hours, start, seconds):
    due = add_working_time(start, seconds, hours)
    assert working_seconds_between(start, due, hours) == seconds


@quickly
@given(hours, moments, spans)
def test_it_is_due_at_the_first_such_moment(hours, start, seconds):
    due = add_working_time(start, seconds, hours)
    assert working_seconds_between(start, due - timedelta(seconds=1), hours) < seconds


@quickly
@given(hours, moments, spans, spans)
def test_more_work_is_due_later(hours, start, some, more):
    first = add_working_time(start, some, hours)
    assert first < add_working_time(start, some + more, hours)
    assert first <= add_working_time(start + timedelta(seconds=more), some, hours)


@quickly
@given(hours, moments, spans, spans)
def test_in_two_steps_or_in_one_it_is_due_at_the_same_time(hours, start, some, more):
    halfway = add_working_time(start, some, hours)
    assert add_working_time(halfway, more, hours) == add_working_time(start, some + more, hours)


@quickly
@given(hours, st.lists(moments, min_size=3, max_size=3).map(sorted))
def test_the_parts_add_up_to_the_whole(hours, cuts):
    a, b, c = cuts
    parts = working_seconds_between(a, b, hours) + working_seconds_between(b, c, hours)
    assert parts == working_seconds_between(a, c, hours)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(hours, moments)
def test_it_agrees_with_a_look_at_the_wall_clock_every_quarter(hours, start):
    start -= timedelta(minutes=start.minute % 15)
    looks = [start + timedelta(minutes=15 * n) for n in range(2 * 96)]
    worked = sum(15 * 60 for moment in looks if _wall_clock_says_so(moment, hours))
    assert working_seconds_between(start, start + timedelta(days=2), hours) == worked
    assert all(is_working_at(m, hours) == _wall_clock_says_so(m, hours) for m in looks)


def _wall_clock_says_so(moment: datetime, hours: Hours) -> bool:
    wall = moment.astimezone(hours.zone)
    minutes = wall.hour * 60 + wall.minute
    rule = () if wall.date() in hours.holidays else hours.week[wall.weekday()]
    return any(opens <= minutes < closes for opens, closes in rule)
