"""Every figure against the slow plain way, whether it was counted before or is counted now."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.accounts import queries as accounts_queries
from appliance.reports import queries, services
from appliance.reports.models import Day, Dimension
from appliance.reports.periods import Period
from appliance.reports.queries import NO_PART, ReportQuery
from appliance.reports.tests.conftest import ZONE, local, plain, plain_backlog, steps_of

TODAY = local(datetime.now(UTC))
SPANS = {
    "today": Period(TODAY, TODAY),
    "a month by day": Period(TODAY - timedelta(days=29), TODAY),
    "a year by week": Period(TODAY - timedelta(days=364), TODAY),
    "two years by month": Period(TODAY - timedelta(days=730), TODAY),
    "a quarter that is over": Period(TODAY - timedelta(days=200), TODAY - timedelta(days=110)),
}


def same(metrics, expected: dict) -> bool:
    """Durations within the second that rounding takes."""
    for name, value in expected.items():
        found = getattr(metrics, name)
        close = found == value if None in (found, value) else abs(found - value) <= 1
        assert close, f"{name}: {found}, but by hand {value}"
    return True


@pytest.fixture(params=["live", "counted"])
def counted(request, year):
    """Once with nothing counted before, once with all that is over."""
    if request.param == "counted":
        while services.update_days():
            pass
        assert Day.objects.exists()
    return year


def test_totals_and_those_of_the_span_before(counted, dan):
    for period in SPANS.values():
        report = queries.access_report(dan, ReportQuery(period))
        assert same(report.total, plain(counted, period.start, period.end))
        assert report.total.backlog == plain_backlog(counted, period.end)
        assert same(report.before, plain(counted, period.before.start, period.before.end))
        assert report.before.backlog == plain_backlog(counted, period.before.end)


def test_each_step_of_time(counted, dan):
    for period in SPANS.values():
        report = queries.access_report(dan, ReportQuery(period))
        steps = steps_of(period.start, period.end, period.step)
        assert list(report.steps) == list(steps)
        for at, (first, last) in steps.items():
            assert same(report.steps[at], plain(counted, first, last))
            assert report.steps[at].backlog == plain_backlog(counted, last)


def part_of(ticket, dimension: str) -> int | None:
    owner = ticket.customer if dimension == Dimension.ORGANISATION else ticket
    name = "assignee_id" if dimension == Dimension.AGENT else f"{dimension}_id"
    return getattr(owner, name)


def test_each_part(counted, dan):
    period = SPANS["a year by week"]
    for dimension in Dimension.values:
        report = queries.access_report(dan, ReportQuery(period, dimension))
        parts = {part_of(one, dimension) for one in counted}
        assert set(report.parts) <= parts and len(report.parts) > 1
        for part in report.parts:
            theirs = [one for one in counted if part_of(one, dimension) == part]
            assert same(report.parts[part], plain(theirs, period.start, period.end))


def test_one_part_alone(counted, dan):
    period = SPANS["a month by day"]
    for dimension in Dimension.values:
        for part in {part_of(one, dimension) for one in counted}:
            report = queries.access_report(dan, ReportQuery(period, dimension, part or NO_PART))
            theirs = [one for one in counted if part_of(one, dimension) == part]
            assert same(report.total, plain(theirs, period.start, period.end))
            assert report.total.backlog == plain_backlog(theirs, period.end)


def test_closed_team_is_left_out_for_whoever_is_not_in_it(counted, bob, dan):
    period = SPANS["a year by week"]
    hidden = accounts_queries.hidden_team_ids(bob)
    shown = [one for one in counted if one.team_id not in hidden]
    assert len(hidden) == 1 and len(shown) < len(counted)
    for dimension in Dimension.values:
        report = queries.access_report(bob, ReportQuery(period, dimension))
        assert same(report.total, plain(shown, period.start, period.end))
        assert report.total.backlog == plain_backlog(shown, period.end)
        assert dimension != Dimension.TEAM or not set(hidden) & set(report.parts)
    whole = queries.access_report(dan, ReportQuery(period))
    assert same(whole.total, plain(counted, period.start, period.end))


def test_empty_desk_has_nothing_to_say(dan, desk_zone):
    services.update_days()
    report = queries.access_report(dan, ReportQuery(SPANS["a month by day"]))
    assert (report.total.opened, report.total.backlog, report.total.first_response_median) == (
        0,
        0,
        None,
    )
    assert len(report.steps) == 30 and report.parts == {}


def test_days_are_those_of_the_desk(year, dan):
    assert queries.today() == TODAY
    assert ZONE != "UTC"
