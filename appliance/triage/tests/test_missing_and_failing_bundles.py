"""A ticket never waits for a bundle that is missing, fails or hangs."""

import threading

import pytest
from structlog.testing import capture_logs

from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import DeadlineExecutor
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event
from appliance.triage import engine, queries, services, work_queue
from appliance.triage.models import AnnotationLease, Prediction, TicketVector
from appliance.triage.services import annotation
from appliance.triage.tests.fake_engine import FakeEngine


@pytest.fixture
def fake_engine(monkeypatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(engine, "current", lambda: fake)
    return fake


def test_without_bundles_only_the_language_is_recognised(
    ticket, alice, categories, settings, tmp_path
):
    settings.MODELS = tmp_path
    assert services.annotate(ticket.pk)
    assert [row.kind for row in Prediction.objects.all()] == [Prediction.Kind.LANGUAGE]
    assert services.catch_up() == 0
    assert queries.find_predictions(alice, ticket).state == "unavailable"
    assert not AnnotationLease.objects.exists()


@pytest.mark.usefixtures("bundles", "categories")
def test_restored_bundles_are_used_by_the_next_catch_up(ticket, alice, settings, tmp_path):
    models, settings.MODELS = settings.MODELS, tmp_path
    services.catch_up()
    settings.MODELS = models
    assert services.catch_up() == 1
    assert queries.find_predictions(alice, ticket).state == "classified"


def test_failing_text_fails_permanently_after_three_attempts(
    ticket, alice, categories, fake_engine
):
    fake_engine.failing_word = "blank"
    for _ in range(5):
        services.catch_up()
    assert len(fake_engine.embedded) == 3
    assert AnnotationLease.objects.get().error == (
        "encoder: out of memory; classifier: out of memory; sentiment: out of memory"
    )
    assert queries.find_predictions(alice, ticket).state == "unavailable"
    assert queries.count_backlog().failed == 1


def test_failing_text_does_not_delay_the_others(ticket, alice, categories, fake_engine):
    fake_engine.failing_word = "blank"
    other = tickets_services.create_ticket(
        customer=alice.customer, subject="No mail", description="Since noon", by=alice
    )
    assert services.catch_up() == 2  # of the failing one its language
    assert queries.find_predictions(alice, other).state == "classified"


def test_other_bundles_try_a_failed_text_again(ticket, categories, fake_engine, monkeypatch):
    fake_engine.failing_word = "blank"
    for _ in range(4):
        services.catch_up()
    other = FakeEngine()
    monkeypatch.setattr(other, "ref", lambda role: FakeEngine.ref(other, f"new {role}"))
    monkeypatch.setattr(engine, "current", lambda: other)
    assert services.catch_up() == 1
    assert not AnnotationLease.objects.exists()


def test_lease_of_a_dead_worker_runs_out(ticket, categories, fake_engine):
    work_queue.claim("ticket", ticket.pk, text_sha256="of the text", refs={})
    assert not services.annotate(ticket.pk)
    AnnotationLease.objects.update(leased_until="2001-01-01T00:00Z")
    assert services.annotate(ticket.pk)


def test_lease_far_in_the_future_counts_as_free(ticket, categories, fake_engine):
    work_queue.claim("ticket", ticket.pk, text_sha256="of the text", refs={})
    AnnotationLease.objects.update(leased_until="2101-01-01T00:00Z")
    assert services.catch_up() == 1


@pytest.mark.django_db(transaction=True)
def test_annotation_within_the_budget_is_on_the_next_page(ticket, alice, categories, fake_engine):
    assert services.annotate_soon(ticket.pk, budget_seconds=10)
    assert queries.find_predictions(alice, ticket).state == "classified"


@pytest.mark.django_db(transaction=True)
def test_bundle_that_hangs_delays_no_request(ticket, categories, fake_engine, monkeypatch):
    monkeypatch.setattr(annotation, "_executor", DeadlineExecutor("hanging", threads=2))
    fake_engine.may_go_on.clear()
    assert not services.annotate_soon(ticket.pk, budget_seconds=0.2)
    assert not TicketVector.objects.exists()  # it returned while the bundle hangs
    fake_engine.may_go_on.set()
    _wait_for(annotation._executor, threads=2)
    assert TicketVector.objects.filter(ticket=ticket).exists()  # written by the thread


@pytest.mark.django_db(transaction=True)
def test_while_bundles_hang_calls_return_at_once(ticket, monkeypatch):
    executor, may_go_on = DeadlineExecutor("hanging", threads=1), threading.Event()
    with pytest.raises(TimeoutError):
        executor.run(may_go_on.wait, seconds=0.05)
    monkeypatch.setattr(annotation, "_executor", executor)
    with capture_logs() as logs:
        assert not services.annotate_soon(ticket.pk, budget_seconds=5)
    assert [entry["error"] for entry in logs] == ["BusyError"]  # no TimeoutError after 5 s
    may_go_on.set()


def test_exception_is_logged_not_raised(monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(annotation, "_claim", fail)
    assert not services.annotate_soon(1, budget_seconds=5)


@pytest.mark.django_db(transaction=True)
def test_two_workers_annotate_each_ticket_once(alice, categories, fake_engine):
    for number in range(8):
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Fault {number}", description="…", by=alice
        )
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        run_and_close_connection(services.catch_up)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert Event.objects.filter(kind=Event.Kind.CLASSIFIED).count() == 8
    assert Prediction.objects.count() == 24
    assert len(fake_engine.embedded) == 8


def _wait_for(executor: DeadlineExecutor, threads: int) -> None:
    for _ in range(threads):
        assert executor._free_threads.acquire(timeout=10)
