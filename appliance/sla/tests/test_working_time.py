"""Working time follows local time through clock changes, holidays and leap years."""

from datetime import UTC, date, datetime, time, timedelta
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


def test_evening_and_weekend_do_not_count():
    friday = datetime(2026, 7, 3, 16, 0, tzinfo=BERLIN)
    due = add_working_time(friday, 2 * HOUR, office(BERLIN))
    assert due == datetime(2026, 7, 6, 10, 0, tzinfo=BERLIN)


def test_work_that_fills_the_day_is_due_at_closing_time():
    morning = datetime(2026, 7, 1, 9, 0, tzinfo=BERLIN)
    assert add_working_time(morning, 8 * HOUR, office(BERLIN)) == morning + timedelta(hours=8)


def test_no_work_is_due_immediately_even_at_night():
    night = datetime(2026, 7, 1, 3, 0, tzinfo=BERLIN)
    assert add_working_time(night, 0, office(BERLIN)) == night


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"),
    [
        (BERLIN, date(2026, 3, 29), date(2026, 10, 25)),
        (NEW_YORK, date(2026, 3, 8), date(2026, 11, 1)),
    ],
)
def test_day_of_the_clock_change_has_23_or_25_hours(zone, spring, autumn):
    round_the_clock = every_day(zone, (0, 1440))
    for day, hours in ((spring, 23), (autumn, 25)):
        begin = datetime(day.year, day.month, day.day, tzinfo=zone)
        end = begin + timedelta(days=1)
        assert working_seconds_between(begin, end, round_the_clock) == hours * HOUR


def test_skipped_hour_in_spring_does_not_count():
    nights = every_day(BERLIN, (60, 150))  # 01:00 to 02:30; the clock jumps from 02:00 to 03:00
    begin = datetime(2026, 3, 29, 0, 0, tzinfo=BERLIN)
    assert working_seconds_between(begin, begin + timedelta(days=1), nights) == HOUR


def test_span_within_the_skipped_hour_is_left_out_that_day():
    nights = every_day(NEW_YORK, (125, 155))  # 02:05 to 02:35
    start = datetime(2026, 3, 8, 0, 0, tzinfo=NEW_YORK)
    assert add_working_time(start, 60, nights) == datetime(2026, 3, 9, 2, 6, tzinfo=NEW_YORK)


def test_repeated_hour_in_autumn_counts_twice():
    nights = every_day(NEW_YORK, (60, 90))  # 01:00 to 01:30
    begin = datetime(2026, 11, 1, 0, 0, tzinfo=NEW_YORK)
    second = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1).astimezone(UTC)
    assert working_seconds_between(begin, begin + timedelta(days=1), nights) == HOUR
    assert add_working_time(begin, HOUR, nights) == second


def test_night_shift_continues_over_midnight():
    shift = every_day(BERLIN, (0, 6 * 60), (22 * 60, 24 * 60))
    late = datetime(2026, 7, 1, 23, 0, tzinfo=BERLIN)
    assert add_working_time(late, 3 * HOUR, shift) == late + timedelta(hours=3)


def test_zone_may_skip_midnight():
    beirut = ZoneInfo("Asia/Beirut")  # the clock jumps from 00:00 to 01:00
    begin = datetime(2026, 3, 28, 23, 0, tzinfo=beirut)
    end = datetime(2026, 3, 29, 2, 0, tzinfo=beirut)
    assert working_seconds_between(begin, end, every_day(beirut, (0, 1440))) == 2 * HOUR


def test_date_the_zone_skipped_is_no_working_day():
    apia = ZoneInfo("Pacific/Apia")  # there was no 30 December 2011
    begin = datetime(2011, 12, 29, 9, 0, tzinfo=apia)
    assert add_working_time(begin, 9 * HOUR, every_day(apia, (540, 1020))) == datetime(
        2011, 12, 31, 10, 0, tzinfo=apia
    )


def test_holiday_is_a_date_in_the_zone_of_the_hours():
    newyear = Holidays(once=frozenset({date(2027, 1, 1)}))
    before = datetime(2026, 12, 31, 16, 0, tzinfo=NEW_YORK)
    due = add_working_time(before, 2 * HOUR, office(NEW_YORK, holidays=newyear))
    assert due == datetime(2027, 1, 4, 10, 0, tzinfo=NEW_YORK)


def test_holiday_on_29_february_exists_in_leap_years_only():
    hours = Hours((((0, 1440),),) * 7, BERLIN, Holidays(yearly=frozenset({(2, 29)})))
    leap = datetime(2028, 2, 28, 12, 0, tzinfo=BERLIN)
    plain = datetime(2027, 2, 28, 12, 0, tzinfo=BERLIN)
    assert add_working_time(leap, 24 * HOUR, hours) == datetime(2028, 3, 1, 12, 0, tzinfo=BERLIN)
    assert add_working_time(plain, 24 * HOUR, hours) == datetime(2027, 3, 1, 12, 0, tzinfo=BERLIN)


def test_29_february_is_a_working_day():
    start = datetime(2028, 2, 28, 16, 0, tzinfo=BERLIN)  # a Monday
    due = add_working_time(start, 2 * HOUR, office(BERLIN))
    assert due == datetime(2028, 2, 29, 10, 0, tzinfo=BERLIN)


def test_week_without_hours_raises_no_hours_error():
    with pytest.raises(NoHoursError):
        Hours(((),) * 7, BERLIN)


def test_ten_years_of_holidays_raise_no_hours_error():
    mondays = ((540, 1020),)
    first = date(2026, 1, 5)
    holidays = Holidays(once=frozenset(first + timedelta(weeks=n) for n in range(600)))
    with pytest.raises(NoHoursError):
        add_working_time(
            datetime(2026, 1, 1, tzinfo=BERLIN),
            1,
            Hours((mondays, *((),) * 6), BERLIN, holidays),
        )


def test_round_the_clock_is_elapsed_time():
    start = datetime(2026, 3, 29, 0, 30, tzinfo=BERLIN)
    assert add_working_time(start, 90_000, ROUND_THE_CLOCK) == start.astimezone(UTC) + timedelta(
        seconds=90_000
    )


# --- properties that hold for any hours

quarters = st.lists(st.integers(0, 96), max_size=6, unique=True).map(sorted)
days = quarters.map(
    lambda cuts: tuple((a * 15, b * 15) for a, b in zip(cuts[::2], cuts[1::2], strict=False))
)
days_near_clock_changes = st.sampled_from(
    [
        date(2026, 3, 8),
        date(2026, 3, 29),
        date(2026, 10, 25),
        date(2026, 11, 1),
        date(2028, 2, 28),
        date(2026, 4, 5),
        date(2026, 10, 4),
        date(2017, 10, 14),
        date(2018, 2, 17),
        date(2011, 12, 29),
    ]
)
moments = st.builds(
    lambda day, minutes: datetime.combine(day, time(), UTC) + timedelta(minutes=minutes),
    days_near_clock_changes,
    st.integers(-2 * 1440, 3 * 1440),
)
hours = st.builds(
    lambda week, zone, off: Hours(week, ZoneInfo(zone), Holidays(yearly=frozenset(off))),
    st.tuples(*[days] * 7).filter(any),
    st.sampled_from(ZONES),
    st.sets(st.sampled_from([(2, 29), (3, 29), (10, 25), (11, 1)]), max_size=2),
)
spans = st.integers(1, 20 * 24 * HOUR)
hundred_examples = settings(max_examples=100, deadline=None, derandomize=True)


@hundred_examples
@given(hours, moments, spans)
def test_added_seconds_are_the_seconds_between(hours, start, seconds):
    due = add_working_time(start, seconds, hours)
    assert working_seconds_between(start, due, hours) == seconds


@hundred_examples
@given(hours, moments, spans)
def test_due_time_is_the_first_such_moment(hours, start, seconds):
    due = add_working_time(start, seconds, hours)
    assert working_seconds_between(start, due - timedelta(seconds=1), hours) < seconds


@hundred_examples
@given(hours, moments, spans, spans)
def test_more_work_is_due_later(hours, start, some, more):
    first = add_working_time(start, some, hours)
    assert first < add_working_time(start, some + more, hours)
    assert first <= add_working_time(start + timedelta(seconds=more), some, hours)


@hundred_examples
@given(hours, moments, spans, spans)
def test_adding_in_two_steps_equals_adding_in_a_single_step(hours, start, some, more):
    halfway = add_working_time(start, some, hours)
    assert add_working_time(halfway, more, hours) == add_working_time(start, some + more, hours)


@hundred_examples
@given(hours, st.lists(moments, min_size=3, max_size=3).map(sorted))
def test_seconds_of_adjacent_intervals_add_up(hours, cuts):
    a, b, c = cuts
    parts = working_seconds_between(a, b, hours) + working_seconds_between(b, c, hours)
    assert parts == working_seconds_between(a, c, hours)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(hours, moments)
def test_result_agrees_with_local_time_every_quarter_of_an_hour(hours, start):
    start -= timedelta(minutes=start.minute % 15)
    moments = [start + timedelta(minutes=15 * n) for n in range(2 * 96)]
    worked = sum(15 * 60 for moment in moments if _is_working_by_local_time(moment, hours))
    assert working_seconds_between(start, start + timedelta(days=2), hours) == worked
    assert all(is_working_at(m, hours) == _is_working_by_local_time(m, hours) for m in moments)


def _is_working_by_local_time(moment: datetime, hours: Hours) -> bool:
    local = moment.astimezone(hours.zone)
    minutes = local.hour * 60 + local.minute
    spans = () if local.date() in hours.holidays else hours.week[local.weekday()]
    return any(opens <= minutes < closes for opens, closes in spans)
