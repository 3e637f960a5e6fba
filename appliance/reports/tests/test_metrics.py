"""Every metric equals that computed ticket by ticket, from stored days and from live ones."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.accounts import queries as accounts_queries
from appliance.core.dates import site_date
from appliance.core.languages import Language
from appliance.reports import queries, services
from appliance.reports.models import Day, Dimension
from appliance.reports.periods import Period
from appliance.reports.queries import NO_PART, ReportQuery
from appliance.reports.tests.conftest import (
    ZONE,
    day_of,
    expected_backlog,
    expected_metrics,
    steps_of,
)
from appliance.tickets.models import Channel

TODAY = day_of(datetime.now(UTC))
PERIODS = {
    "today": Period(TODAY, TODAY),
    "a month by day": Period(TODAY - timedelta(days=29), TODAY),
    "a year by week": Period(TODAY - timedelta(days=364), TODAY),
    "two years by month": Period(TODAY - timedelta(days=730), TODAY),
    "a quarter that is over": Period(TODAY - timedelta(days=200), TODAY - timedelta(days=110)),
}


def assert_metrics(metrics, expected: dict) -> None:
    """Compare metrics; durations may differ by the second that rounding takes."""
    for name, expected_value in expected.items():
        value = getattr(metrics, name)
        if value is None or expected_value is None:
            assert value == expected_value, name
        else:
            assert abs(value - expected_value) <= 1, name


@pytest.fixture(params=["live", "stored"])
def tickets(request, year):
    """The tickets of a year: once without stored days, once with all days stored."""
    if request.param == "stored":
        while services.update_days():
            pass
        assert Day.objects.exists()
    return year


def test_totals_of_a_period_and_of_the_previous_one(tickets, dan):
    for period in PERIODS.values():
        report = queries.access_report(dan, ReportQuery(period))
        assert_metrics(report.total, expected_metrics(tickets, period.start, period.end))
        assert report.total.backlog == expected_backlog(tickets, period.end)
        assert_metrics(
            report.previous, expected_metrics(tickets, period.previous.start, period.previous.end)
        )
        assert report.previous.backlog == expected_backlog(tickets, period.previous.end)


def test_metrics_of_each_step(tickets, dan):
    for period in PERIODS.values():
        report = queries.access_report(dan, ReportQuery(period))
        steps = steps_of(period.start, period.end, period.step)
        assert list(report.steps) == list(steps)
        for first_day, (first, last) in steps.items():
            metrics = report.steps[first_day]
            assert_metrics(metrics, expected_metrics(tickets, first, last))
            assert metrics.backlog == expected_backlog(tickets, last)


def part_of(ticket, dimension: str) -> int | None:
    if dimension == Dimension.CHANNEL:
        return Channel.values.index(ticket.channel) + 1
    if dimension == Dimension.LANGUAGE:
        return Language.values.index(ticket.language) + 1 if ticket.language else None
    owner = ticket.customer if dimension == Dimension.ORGANISATION else ticket
    name = "assignee_id" if dimension == Dimension.AGENT else f"{dimension}_id"
    return getattr(owner, name)


def test_metrics_of_each_part(tickets, dan):
    period = PERIODS["a year by week"]
    for dimension in Dimension.values:
        report = queries.access_report(dan, ReportQuery(period, dimension))
        parts = {part_of(ticket, dimension) for ticket in tickets}
        assert set(report.parts) <= parts and len(report.parts) > 1
        for part in report.parts:
            members = [ticket for ticket in tickets if part_of(ticket, dimension) == part]
            assert_metrics(report.parts[part], expected_metrics(members, period.start, period.end))


def test_report_on_a_single_part(tickets, dan):
    period = PERIODS["a month by day"]
    for dimension in Dimension.values:
        for part in {part_of(ticket, dimension) for ticket in tickets}:
            report = queries.access_report(dan, ReportQuery(period, dimension, part or NO_PART))
            members = [ticket for ticket in tickets if part_of(ticket, dimension) == part]
            assert_metrics(report.total, expected_metrics(members, period.start, period.end))
            assert report.total.backlog == expected_backlog(members, period.end)


def test_agent_outside_a_closed_team_does_not_see_its_metrics(tickets, bob, dan):
    period = PERIODS["a year by week"]
    hidden = accounts_queries.hidden_team_ids(bob)
    visible = [ticket for ticket in tickets if ticket.team_id not in hidden]
    assert len(hidden) == 1 and len(visible) < len(tickets)
    for dimension in Dimension.values:
        report = queries.access_report(bob, ReportQuery(period, dimension))
        assert_metrics(report.total, expected_metrics(visible, period.start, period.end))
        assert report.total.backlog == expected_backlog(visible, period.end)
        assert dimension != Dimension.TEAM or not set(hidden) & set(report.parts)
    full_report = queries.access_report(dan, ReportQuery(period))
    assert_metrics(full_report.total, expected_metrics(tickets, period.start, period.end))


def test_report_without_tickets_is_empty(dan, time_zone):
    services.update_days()
    report = queries.access_report(dan, ReportQuery(PERIODS["a month by day"]))
    assert (report.total.opened, report.total.backlog, report.total.first_response_median) == (
        0,
        0,
        None,
    )
    assert len(report.steps) == 30 and report.parts == {}


def test_days_are_those_of_the_site_time_zone(year, dan):
    assert site_date() == TODAY
    assert ZONE != "UTC"
