"""The page of reports and its exports."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.urls import reverse

from appliance.core import cache
from appliance.core.dates import site_date
from appliance.core.models import SiteSettings
from appliance.core.types import keep_together
from appliance.reports import export, formatting, queries, services
from appliance.reports.periods import Period, Preset, period_of_preset


@pytest.fixture
def as_dan(client, dan):
    client.force_login(dan)
    return client


def csv_rows(response) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode()
    assert text.startswith(export.BYTE_ORDER_MARK)
    return list(csv.reader(io.StringIO(text[1:])))


def test_page_has_tiles_and_charts_with_data_tables(as_dan, year):
    page = as_dan.get(reverse("reports"), {"span": "365"})
    assert len(page.context["tiles"]) == 8
    text = page.content.decode()
    charts = [chart for chart in page.context["charts"] if not chart.is_empty]
    assert len(charts) == 7
    assert text.count("<canvas") == text.count('class="report-data"') == 8


def test_page_of_a_single_part_names_it(as_dan, year, people):
    page = as_dan.get(reverse("reports"), {"by": "team", "of": people.teams[0].pk, "span": "365"})
    assert "Reports: Ward" in page.content.decode()
    page = as_dan.get(reverse("reports"), {"by": "agent", "of": 0, "span": "365"})
    assert "Reports: Nobody" in page.content.decode()


def test_page_without_tickets_says_so(as_dan):
    page = as_dan.get(reverse("reports"))
    assert page.status_code == 200 and b"No tickets in this period" in page.content


def test_closed_team_is_not_named_to_other_agents(client, bob, year, people):
    client.force_login(bob)
    for parameters in ({}, {"of": people.teams[1].pk}):
        page = client.get(reverse("reports"), {"by": "team", "span": "365", **parameters})
        assert b"Harbour" not in page.content
        response = client.get(
            reverse("export-report"), {"by": "team", "rows": "parts", **parameters}
        )
        assert not any("Harbour" in row[0] for row in csv_rows(response))


def test_agent_without_permission_cannot_see_reports(client, bob, db):
    SiteSettings.objects.update_or_create(pk=1, defaults={"agent_rights": []})
    cache._renew_generations(cache.SITE_SETTINGS)
    client.force_login(bob)
    assert client.get(reverse("reports")).status_code == 403
    assert client.get(reverse("export-report")).status_code == 403


def test_large_installation_says_that_data_is_being_computed(as_dan, year, monkeypatch):
    monkeypatch.setattr(queries, "MAX_LIVE_TICKETS", -2)
    response = as_dan.get(reverse("reports"))
    assert response.status_code == 503
    assert b"computed for the first time" in response.content
    while services.update_days():
        pass
    assert as_dan.get(reverse("reports")).status_code == 200


CUSTOM = {"span": "own"}


@pytest.mark.parametrize(
    ("report_query", "field"),
    [
        ({"span": "forever"}, "span"),
        ({"by": "shoe size"}, "by"),
        ({"of": "-1"}, "of"),
        (CUSTOM, "start"),
        (CUSTOM | {"start": "2026-02-30", "end": "2026-03-01"}, "start"),
        (CUSTOM | {"start": "2026-03-02", "end": "2026-03-01"}, "end"),
        (CUSTOM | {"start": "2020-03-02", "end": "2023-03-01"}, "start"),
        (CUSTOM | {"start": "2020-03-02", "end": "9999-12-31"}, "end"),
        (CUSTOM | {"start": "0001-01-01", "end": "0001-01-02"}, "start"),
    ],
)
def test_invalid_filter_is_reported_at_its_field(as_dan, report_query, field):
    page = as_dan.get(reverse("reports"), report_query)
    assert page.status_code == 400
    assert field in page.context["form"].errors
    assert as_dan.get(reverse("export-report"), report_query).status_code == 400


def test_custom_range_may_be_two_years(as_dan, year):
    end = site_date()
    start = end - timedelta(days=730)
    page = as_dan.get(reverse("reports"), CUSTOM | {"start": start, "end": end})
    assert page.context["report"].report_query.period == Period(start, end)


def test_every_preset_is_a_period_that_ends_by_today():
    day = date(2024, 3, 31)
    for preset in Preset:
        if preset != Preset.CUSTOM:
            period = period_of_preset(preset, day)
            assert period.start <= period.end <= day
    assert period_of_preset(Preset.LAST_MONTH, day).days == 29
    assert period_of_preset(Preset.WEEK, day).previous.days == 7


def test_export_over_time_equals_the_page(as_dan, year):
    report = as_dan.get(reverse("reports"), {"span": "90"}).context["report"]
    header, *rows = csv_rows(as_dan.get(reverse("export-report"), {"span": "90"}))
    column = header.index("opened")
    opened = [metrics.opened for metrics in report.steps.values()]
    assert [int(row[column]) for row in rows] == opened
    assert len(rows) == 90 and rows[-1][0] == site_date().isoformat()


def test_export_contains_no_formula(as_dan, year, people):
    people.organisations[0].name = '=HYPERLINK("http://elsewhere.example")'
    people.organisations[0].save()
    response = as_dan.get(
        reverse("export-report"), {"span": "365", "by": "organisation", "rows": "parts"}
    )
    cells = [cell for row in csv_rows(response) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


def test_export_is_in_the_language_of_the_user(as_dan, dan, year):
    dan.language = "de"
    dan.save()
    response = as_dan.get(reverse("export-report"), {"span": "365", "by": "agent", "rows": "parts"})
    assert "Niemand" in [row[0] for row in csv_rows(response)]


def test_second_request_uses_the_cache(as_dan, year, django_assert_max_num_queries):
    as_dan.get(reverse("reports"))
    with django_assert_max_num_queries(6):
        as_dan.get(reverse("reports"))


def test_number_of_queries_does_not_depend_on_the_number_of_tickets(
    as_dan, year, django_assert_max_num_queries
):
    with django_assert_max_num_queries(26):
        as_dan.get(reverse("reports"), {"span": "365"})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (20, "0 min"),
        (3540, "59 min"),
        (3600, "1 h"),
        (12000, "3 h 20 min"),
        (47 * 3600, "47 h"),
        (102 * 3600, "4 d 6 h"),
    ],
)
def test_duration_has_its_two_largest_units(seconds, text):
    assert formatting.duration(seconds) == keep_together(text)
