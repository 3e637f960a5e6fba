from datetime import timedelta

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.accounts.models import Customer
from appliance.inference.session import timed
from appliance.ops import charts, index_purposes, queries, query_plans, services, timing_metrics
from appliance.ops.models import Sample
from appliance.search.models import IndexCheck

SECRET = "alice-private@example.org"


@pytest.fixture
def page_of(admin_client_of_dan):
    def page(name: str, *args: object, **asked: str) -> str:
        answer = admin_client_of_dan.get(reverse(name, args=args), asked)
        assert answer.status_code == 200
        return answer.content.decode()

    return page


def sample(*, minutes_ago: float, **figures: object) -> Sample:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    return Sample.objects.create(at=at, figures=figures)


# --- tables and indexes


def test_an_index_is_shown_with_its_table_and_what_it_serves(page_of):
    page = page_of("status-tables")
    assert "ticket_priority_idx" in page
    assert "every status by priority; one priority, newest first" in page


def test_idle_indexes_are_listed_without_unique_ones(db):
    idle = {index.name for index in queries.list_indexes() if index.is_idle}
    rules = {index.name for index in queries.list_indexes() if index.keeps_rule}
    assert idle and rules and not idle & rules
    assert "user_email_unique" in rules


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


def test_small_tables_are_no_part_of_the_share(db):
    totals = queries.totals()
    assert totals.small_tables > 0
    assert totals.by_index is None or 0 <= totals.by_index <= 1


# --- queries and plans


@pytest.fixture
def statement(db, monkeypatch) -> query_plans.Statement:
    """A query of ours with somebody's address in it, however much else was asked before."""
    monkeypatch.setattr(query_plans, "MAX_STATEMENTS", 10_000)
    for _ in range(300):
        list(Customer.objects.filter(email=SECRET, first_name="Findable"))
    return next(one for one in query_plans.list_slowest("calls") if is_ours(one))


def is_ours(one: query_plans.Statement) -> bool:
    return '"accounts_customer"."email" = $1 AND "accounts_customer"."first_name" = $2' in one.text


def test_queries_are_kept_without_what_was_asked_for(page_of, statement):
    assert SECRET not in page_of("status-queries", by="calls")
    assert SECRET not in page_of("status-plan", statement.id)


def test_the_plan_of_a_query_is_shown_and_the_query_is_not_run(page_of, statement):
    before = query_plans.find_statement(statement.id).calls
    assert "Scan" in page_of("status-plan", statement.id)
    assert any("Scan" in line for line in query_plans.explain(statement))
    assert query_plans.find_statement(statement.id).calls == before


def test_what_a_full_table_of_texts_let_through_is_hidden_when_it_is_shown():
    text = f"SELECT * FROM t WHERE a = '{SECRET}' AND b = E'it\\'s {SECRET}' AND c = $1"
    assert query_plans.hide(text) == "SELECT * FROM t WHERE a = '…' AND b = '…' AND c = $1"
    assert SECRET not in query_plans.hide(f"SELECT $tag${SECRET}$tag$, $1")


@pytest.mark.parametrize(
    "text", ["DELETE FROM tickets_ticket", "SELECT 1; DELETE FROM tickets_ticket", "VACUUM"]
)
def test_only_one_reading_statement_is_ever_planned(db, text):
    assert query_plans.explain(made_up(text)) == []


def test_a_text_postgresql_cannot_plan_is_told_in_words(page_of, monkeypatch):
    monkeypatch.setattr(
        query_plans, "find_statement", lambda _id: made_up("SELECT nothing FROM nowhere")
    )
    assert "cannot plan this query" in page_of("status-plan", "1")


def made_up(text: str) -> query_plans.Statement:
    return query_plans.Statement("1", text, 1, 1, 1.0, 1.0, 1.0, 0, 0)


def test_a_server_without_the_extension_is_told_what_to_do(page_of, monkeypatch):
    monkeypatch.setattr(query_plans, "is_available", lambda: False)
    assert "CREATE EXTENSION pg_stat_statements" in page_of("status-queries")


def test_a_statement_nobody_asked_is_not_there(admin_client_of_dan):
    assert admin_client_of_dan.get(reverse("status-plan", args=["nonsense"])).status_code == 404


# --- search


def test_index_check_is_queued_once(admin_client_of_dan):
    for _ in range(2):
        page = admin_client_of_dan.post(reverse("check-search"), follow=True)
        assert "The search index check was started" in page.content.decode()
    jobs = ProcrastinateJob.objects.filter(task_name="search.check_index")
    assert [job.status for job in jobs] == ["todo"]


def test_result_of_the_latest_check_is_shown(page_of):
    check = IndexCheck.objects.create(checked={"tickets": 40}, missing={"tickets": 2})
    assert "40 rows so far" in page_of("status")
    check.finished_at = timezone.now()
    check.save()
    assert "of 40 rows, 2 were missing" in page_of("status")


# --- time in the models


def test_a_reading_of_a_model_is_counted_by_its_duration(db):
    for milliseconds in [8] * 18 + [80] * 2:
        timing_metrics.note("encoder", milliseconds / 1000)
    found = {one.role: one for one in charts.readings_within([])}["encoder"]
    assert found.count == 20
    assert found.median_ms == pytest.approx(8, rel=0.13)
    assert found.slow_ms == pytest.approx(80, rel=0.13)


def test_whoever_reads_a_text_is_heard(db):
    with timed("sentiment"):
        pass
    assert {one.role: one.count for one in charts.readings_within([])}["sentiment"] == 1


def test_a_dead_cache_keeps_no_model_from_reading(dead_cache):
    timing_metrics.note("encoder", 0.008)


# --- over time


def test_a_sample_adds_what_was_read_since_the_last_one(db, monkeypatch):
    slot = timing_metrics.current_slot()
    timing_metrics.note("encoder", 0.008)
    monkeypatch.setattr(timing_metrics, "current_slot", lambda: slot + 1)
    sample(minutes_ago=5, slot=slot - 1, readings={"encoder": {"12": 4}})
    taken = services.take_sample()
    assert sum(taken.figures["readings"]["encoder"].values()) == 5
    assert taken.figures["database_bytes"] > 0


def test_two_workers_take_one_sample(db):
    assert services.take_sample() is not None
    assert services.take_sample() is None


def test_old_samples_thin_out_and_end(db):
    now = timezone.now().replace(minute=30)
    for hours in (1, 1.1, 72, 72.1, 24 * 90, 24 * 90 + 0.1, 24 * 800):
        Sample.objects.create(at=now - timedelta(hours=hours))
    services.take_sample()
    assert Sample.objects.count() == 1 + 2 + 1 + 1


def test_charts_show_what_came_between_samples_and_forgive_a_server_begun_anew(db):
    sample(minutes_ago=15, pages_hit=100, pages_read=100)
    sample(minutes_ago=10, pages_hit=199, pages_read=101)
    sample(minutes_ago=5, pages_hit=10, pages_read=0)
    chart = charts.list_charts(charts.list_samples("day"), "day")[0]
    assert chart.data["lines"][0]["values"] == [99.0, None]


def test_the_page_says_so_while_there_is_nothing_to_draw(page_of):
    assert "No charts yet" in page_of("status")
    sample(minutes_ago=15, pages_hit=1, pages_read=0)
    sample(minutes_ago=5, pages_hit=9, pages_read=1)
    assert "Database cache hit ratio" in page_of("status", span="month")
