import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse
from django.utils import timezone, translation
from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.accounts.models import Customer
from appliance.core import audit
from appliance.core.models import AuditCheck
from appliance.inference.session import timed
from appliance.ops import (
    charts,
    index_purposes,
    queries,
    query_plans,
    services,
    tasks,
    timing_metrics,
)
from appliance.ops.models import Sample
from appliance.ops.templatetags import status
from appliance.search.models import IndexCheck

SECRET = "alice-private@example.org"


@pytest.fixture
def page_of(dan_client):
    def page(name: str, *args: object, **query: str) -> str:
        response = dan_client.get(reverse(name, args=args), query)
        assert response.status_code == 200
        return response.content.decode()

    return page


def create_sample(*, minutes_ago: float, **figures: object) -> Sample:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    return Sample.objects.create(at=at, figures=figures)


# --- tables and indexes


def test_index_is_shown_with_its_table_and_purpose(page_of):
    page = page_of("status-tables")
    assert "ticket_priority_idx" in page
    assert "every status by priority; one priority, newest first" in page


def test_unique_indexes_are_never_listed_as_unused(db):
    idle = {index.name for index in queries.list_indexes() if index.is_idle}
    unique = {index.name for index in queries.list_indexes() if index.is_unique}
    assert idle and unique and not idle & unique
    assert "user_email_unique" in unique


def test_every_index_of_a_model_has_a_purpose():
    models = [m for m in apps.get_models() if m.__module__.startswith("appliance.")]
    names = {index.name for model in models for index in model._meta.indexes}
    assert names - index_purposes.PURPOSES.keys() == set()


def test_every_purpose_belongs_to_an_index_or_a_constraint():
    models = [m for m in apps.get_models() if m.__module__.startswith("appliance.")]
    names = {
        item.name for model in models for item in [*model._meta.indexes, *model._meta.constraints]
    }
    assert index_purposes.PURPOSES.keys() - names == set()


def test_index_of_an_embedding_space_has_a_purpose():
    assert "meaning" in index_purposes.purpose_of("ticket_vector_hnsw_0123456789ab")


def test_share_of_index_scans_ignores_small_tables(db):
    totals = queries.read_totals()
    assert totals.small_tables > 0
    assert totals.index_share is None or 0 <= totals.index_share <= 1


# --- queries and plans


@pytest.fixture
def statement(db, monkeypatch) -> query_plans.Statement:
    """A recorded query with an address in it, whatever else the server has recorded."""
    monkeypatch.setattr(query_plans, "MAX_STATEMENTS", 10_000)
    for _ in range(300):
        list(Customer.objects.filter(email=SECRET, first_name="Findable"))
    condition = '"accounts_customer"."email" = $1 AND "accounts_customer"."first_name" = $2'
    return next(row for row in query_plans.list_slowest("calls") if condition in row.text)


def test_recorded_queries_hold_no_parameter_values(page_of, statement):
    assert SECRET not in page_of("status-queries", by="calls")
    assert SECRET not in page_of("status-plan", statement.id)


def test_plan_is_shown_without_running_the_query(page_of, statement):
    calls_before = query_plans.find_statement(statement.id).calls
    assert "Scan" in page_of("status-plan", statement.id)
    assert any("Scan" in line for line in query_plans.explain(statement))
    assert query_plans.find_statement(statement.id).calls == calls_before


def test_constants_in_recorded_texts_are_masked():
    text = f"SELECT * FROM t WHERE a = '{SECRET}' AND b = E'it\\'s {SECRET}' AND c = $1"
    assert (
        query_plans.mask_constants(text) == "SELECT * FROM t WHERE a = '…' AND b = '…' AND c = $1"
    )
    assert SECRET not in query_plans.mask_constants(f"SELECT $tag${SECRET}$tag$, $1")


@pytest.mark.parametrize(
    "text", ["DELETE FROM tickets_ticket", "SELECT 1; DELETE FROM tickets_ticket", "VACUUM"]
)
def test_only_a_single_reading_statement_is_planned(db, text):
    assert query_plans.explain(statement_of(text)) == []


def test_page_explains_that_a_query_cannot_be_planned(page_of, monkeypatch):
    monkeypatch.setattr(
        query_plans, "find_statement", lambda _id: statement_of("SELECT nothing FROM nowhere")
    )
    assert "cannot plan this query" in page_of("status-plan", "1")


def statement_of(text: str) -> query_plans.Statement:
    return query_plans.Statement("1", text, 1, 1, 1.0, 1.0, 1.0, 0, 0)


def test_page_explains_how_to_enable_query_statistics(page_of, monkeypatch):
    monkeypatch.setattr(query_plans, "is_available", lambda: False)
    assert "CREATE EXTENSION pg_stat_statements" in page_of("status-queries")


def test_unknown_statement_is_not_found(dan_client):
    assert dan_client.get(reverse("status-plan", args=["nonsense"])).status_code == 404


# --- search


def test_index_check_is_queued_once(dan_client):
    for _ in range(2):
        page = dan_client.post(reverse("check-search"), follow=True)
        assert "The search index check was started" in page.content.decode()
    jobs = ProcrastinateJob.objects.filter(task_name="search.check_index")
    assert [job.status for job in jobs] == ["todo"]


def test_result_of_the_latest_check_is_shown(page_of):
    check = IndexCheck.objects.create(checked={"tickets": 40}, missing={"tickets": 2})
    assert "40 rows so far" in page_of("status")
    check.finished_at = timezone.now()
    check.save()
    assert "of 40 rows, 2 were missing" in page_of("status")


# --- inference times


def test_inference_is_counted_by_its_duration(db):
    for milliseconds in [8] * 18 + [80] * 2:
        timing_metrics.record("encoder", milliseconds / 1000)
    summary = {summary.role: summary for summary in charts.list_timings([])}["encoder"]
    assert summary.count == 20
    assert summary.median_ms == pytest.approx(8, rel=0.13)
    assert summary.p95_ms == pytest.approx(80, rel=0.13)


def test_timed_inference_is_counted(db):
    with timed("sentiment"):
        pass
    counts = {summary.role: summary.count for summary in charts.list_timings([])}
    assert counts["sentiment"] == 1


def test_dead_cache_does_not_fail_an_inference(dead_cache):
    timing_metrics.record("encoder", 0.008)


# --- over time


def test_sample_adds_inferences_since_the_previous_sample(db, monkeypatch):
    slot = timing_metrics.current_slot()
    timing_metrics.record("encoder", 0.008)
    monkeypatch.setattr(timing_metrics, "current_slot", lambda: slot + 1)
    create_sample(minutes_ago=5, slot=slot - 1, timings={"encoder": {"12": 4}})
    sample = services.take_sample()
    assert sum(sample.figures["timings"]["encoder"].values()) == 5
    assert sample.figures["database_bytes"] > 0


def test_two_workers_take_one_sample(db):
    assert services.take_sample() is not None
    assert services.take_sample() is None


def test_old_samples_are_thinned_out_and_deleted(db):
    now = timezone.now().replace(minute=30)
    for hours in (1, 1.1, 72, 72.1, 24 * 90, 24 * 90 + 0.1, 24 * 800):
        Sample.objects.create(at=now - timedelta(hours=hours))
    services.take_sample()
    assert Sample.objects.count() == 1 + 2 + 1 + 1


def test_chart_shows_differences_between_samples_and_skips_a_server_restart(db):
    create_sample(minutes_ago=15, pages_hit=100, pages_read=100)
    create_sample(minutes_ago=10, pages_hit=199, pages_read=101)
    create_sample(minutes_ago=5, pages_hit=10, pages_read=0)
    chart = charts.list_charts(charts.list_samples("day"), "day")[0]
    assert chart.data["lines"][0]["values"] == [99.0, None]


def test_page_says_so_while_there_are_no_charts(page_of):
    assert "No charts yet" in page_of("status")
    create_sample(minutes_ago=15, pages_hit=1, pages_read=0)
    create_sample(minutes_ago=5, pages_hit=9, pages_read=1)
    assert "Database cache hit ratio" in page_of("status", span="month")


def test_status_page_shows_the_verification_of_the_audit_log(dan_client, dan):
    audit.record_change(by=dan, verb="changed", subject=dan)
    connection.check_constraints()
    tasks.verify_audit_log()
    assert "1 entry verified on" in dan_client.get(reverse("status")).content.decode()
    AuditCheck.objects.create(entries=0, problem="entry 1 was changed.")
    page = dan_client.get(reverse("status")).content.decode()
    assert re.search(r'class="state-bad">\s*entry 1 was changed', page)


def test_states_and_numbers_are_written_in_the_language_of_the_reader(page_of, dan):
    dan.language = "de"
    dan.save(update_fields=["language"])
    page = page_of("status")
    assert "Vorgeschlagene Artikel" in page and "suggestions" not in page
    assert "noch nicht genutzt" in page or "bereit" in page
    with translation.override("de"):
        assert status.number(1234567) == "1.234.567"
        assert status.state_label("does not answer") == "antwortet nicht"
    assert status.number(1234567) == "1,234,567"
