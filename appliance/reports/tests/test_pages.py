"""The page and its exports: asked in any way, answered or told what is wrong."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.urls import reverse

from appliance.core import cache
from appliance.core.models import SiteSettings
from appliance.reports import export, formatting, queries, services
from appliance.reports.periods import Period, Preset, of_preset


@pytest.fixture
def as_dan(client, dan):
    client.force_login(dan)
    return client


def rows_of(answer) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith(export.BYTE_ORDER_MARK)
    return list(csv.reader(io.StringIO(text[1:])))


def test_page_shows_tiles_charts_and_a_table_under_each(as_dan, year):
    page = as_dan.get(reverse("reports"), {"span": "365"})
    assert len(page.context["tiles"]) == 8
    text = page.content.decode()
    drawn = [one for one in page.context["charts"] if not one.is_empty]
    assert len(drawn) == 7
    assert text.count("<canvas") == text.count('class="report-figures"') == 8


def test_page_of_one_part_names_it(as_dan, year, people):
    page = as_dan.get(reverse("reports"), {"by": "team", "of": people.teams[0].pk, "span": "365"})
    assert "Reports: Ward" in page.content.decode()
    page = as_dan.get(reverse("reports"), {"by": "agent", "of": 0, "span": "365"})
    assert "Reports: Nobody" in page.content.decode()


def test_empty_desk_says_so(as_dan):
    page = as_dan.get(reverse("reports"))
    assert page.status_code == 200 and b"No tickets in this period" in page.content


def test_closed_team_is_not_even_named(client, bob, year, people):
    client.force_login(bob)
    for of in ({}, {"of": people.teams[1].pk}):
        page = client.get(reverse("reports"), {"by": "team", "span": "365", **of})
        assert b"Harbour" not in page.content
        answer = client.get(reverse("export-report"), {"by": "team", "rows": "parts", **of})
        assert not any("Harbour" in row[0] for row in rows_of(answer))


def test_without_the_right_there_are_no_reports(client, bob, db):
    SiteSettings.objects.update_or_create(pk=1, defaults={"agent_rights": []})
    cache._renew_generations(cache.SITE_SETTINGS)
    client.force_login(bob)
    assert client.get(reverse("reports")).status_code == 403
    assert client.get(reverse("export-report")).status_code == 403


def test_large_desk_says_that_it_is_counted_for_the_first_time(as_dan, year, monkeypatch):
    monkeypatch.setattr(queries, "MAX_LIVE_TICKETS", -2)
    answer = as_dan.get(reverse("reports"))
    assert answer.status_code == 503 and b"computed for the first time" in answer.content
    while services.update_days():
        pass
    assert as_dan.get(reverse("reports")).status_code == 200


OWN = {"span": "own"}


@pytest.mark.parametrize(
    ("report_query", "field"),
    [
        ({"span": "forever"}, "span"),
        ({"by": "shoe size"}, "by"),
        ({"of": "-1"}, "of"),
        (OWN, "start"),
        (OWN | {"start": "2026-02-30", "end": "2026-03-01"}, "start"),
        (OWN | {"start": "2026-03-02", "end": "2026-03-01"}, "end"),
        (OWN | {"start": "2020-03-02", "end": "2023-03-01"}, "start"),
        (OWN | {"start": "2020-03-02", "end": "9999-12-31"}, "end"),
        (OWN | {"start": "0001-01-01", "end": "0001-01-02"}, "start"),
    ],
)
def test_what_cannot_be_asked_is_told_at_its_field(as_dan, report_query, field):
    page = as_dan.get(reverse("reports"), report_query)
    assert page.status_code == 400
    assert field in page.context["form"].errors
    assert as_dan.get(reverse("export-report"), report_query).status_code == 400


def test_own_days_are_shown_whole(as_dan, year):
    end = queries.today()
    start = end - timedelta(days=730)
    page = as_dan.get(reverse("reports"), OWN | {"start": start, "end": end})
    assert page.context["report"].report_query.period == Period(start, end)


def test_every_preset_is_a_span_that_ends_by_today():
    day = date(2024, 3, 31)
    for preset in Preset:
        if preset != Preset.OWN:
            period = of_preset(preset, day)
            assert period.start <= period.end <= day
    assert of_preset(Preset.LAST_MONTH, day).days == 29
    assert of_preset(Preset.WEEK, day).before.days == 7


def test_export_over_time_has_the_numbers_of_the_page(as_dan, year):
    report = as_dan.get(reverse("reports"), {"span": "90"}).context["report"]
    head, *rows = rows_of(as_dan.get(reverse("export-report"), {"span": "90"}))
    opened = head.index("opened")
    assert [int(row[opened]) for row in rows] == [f.opened for f in report.steps.values()]
    assert len(rows) == 90 and rows[-1][0] == queries.today().isoformat()


def test_export_holds_no_formula(as_dan, year, people):
    people.organisations[0].name = '=HYPERLINK("http://elsewhere.example")'
    people.organisations[0].save()
    answer = as_dan.get(
        reverse("export-report"), {"span": "365", "by": "organisation", "rows": "parts"}
    )
    cells = [cell for row in rows_of(answer) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\r=1", " =1", "＝1"])
def test_cell_that_a_spreadsheet_would_run_is_text(text):
    assert export.escape_formula(text).startswith("'")
    assert export.escape_formula("Ward 3") == "Ward 3"


def test_second_look_asks_the_database_nothing_more(as_dan, year, django_assert_max_num_queries):
    as_dan.get(reverse("reports"))
    with django_assert_max_num_queries(6):
        as_dan.get(reverse("reports"))


def test_first_look_costs_the_same_however_many_tickets(
    as_dan, year, django_assert_max_num_queries
):
    with django_assert_max_num_queries(24):
        as_dan.get(reverse("reports"), {"span": "365"})


@pytest.mark.parametrize(
    ("seconds", "said"),
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
def test_durations_are_said_in_their_two_largest_units(seconds, said):
    assert formatting.duration(seconds) == said
