"""A ticket never waits for a model: missing, broken or hanging, the desk goes on."""

import threading
import time

import pytest

from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import DeadlineExecutor
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event
from appliance.triage import engine, queries, services
from appliance.triage.models import AnnotationLease, Prediction, TicketVector
from appliance.triage.services import annotation
from appliance.triage.tests.stand_in import StandIn


@pytest.fixture
def stand_in(monkeypatch) -> StandIn:
    made = StandIn()
    monkeypatch.setattr(engine, "current", lambda: made)
    return made


def test_without_models_nothing_is_said_and_nothing_waits(
    ticket, alice, categories, settings, tmp_path
):
    settings.MODELS = tmp_path
    assert not services.annotate(ticket.pk)
    assert services.catch_up() == 0
    assert queries.find_reading(alice, ticket).state == "unavailable"
    assert not AnnotationLease.objects.exists()


@pytest.mark.usefixtures("bundles", "categories")
def test_models_put_back_are_found_by_the_next_catch_up(ticket, alice, settings, tmp_path):
    models, settings.MODELS = settings.MODELS, tmp_path
    services.catch_up()
    settings.MODELS = models
    assert services.catch_up() == 1
    assert queries.find_reading(alice, ticket).state == "classified"


def test_a_text_that_breaks_the_bundles_is_parked_after_three_tries(
    ticket, alice, categories, stand_in
):
    stand_in.breaks_on = "blank"
    for _ in range(5):
        services.catch_up()
    assert len(stand_in.asked) == 3
    assert AnnotationLease.objects.get().error == (
        "encoder: out of memory; classifier: out of memory; sentiment: out of memory"
    )
    assert queries.find_reading(alice, ticket).state == "unavailable"
    assert queries.count_backlog().parked == 1


def test_a_parked_text_does_not_hold_up_the_others(ticket, alice, categories, stand_in):
    stand_in.breaks_on = "blank"
    other = tickets_services.create_ticket(
        customer=alice.customer, subject="No mail", description="Since noon", by=alice
    )
    assert services.catch_up() == 1
    assert queries.find_reading(alice, other).state == "classified"


def test_other_bundles_try_a_parked_text_again(ticket, categories, stand_in, monkeypatch):
    stand_in.breaks_on = "blank"
    for _ in range(4):
        services.catch_up()
    better = StandIn()
    monkeypatch.setattr(better, "ref", lambda role: StandIn.ref(better, f"new {role}"))
    monkeypatch.setattr(engine, "current", lambda: better)
    assert services.catch_up() == 1
    assert not AnnotationLease.objects.exists()


def test_a_worker_that_died_gives_its_text_back(ticket, categories, stand_in):
    annotation.claim_text("ticket", ticket.pk, "of the text", {})
    assert not services.annotate(ticket.pk)
    AnnotationLease.objects.update(leased_until="2001-01-01T00:00Z")
    assert services.annotate(ticket.pk)


def test_a_clock_that_jumped_back_holds_nothing_for_years(ticket, categories, stand_in):
    annotation.claim_text("ticket", ticket.pk, "of the text", {})
    AnnotationLease.objects.update(leased_until="2101-01-01T00:00Z")
    assert services.catch_up() == 1


@pytest.mark.django_db(transaction=True)
def test_what_fits_the_budget_is_there_on_the_next_page(ticket, alice, categories, stand_in):
    assert services.annotate_soon(ticket.pk, budget_seconds=10)
    assert queries.find_reading(alice, ticket).state == "classified"


@pytest.mark.django_db(transaction=True)
def test_a_model_that_hangs_holds_no_request(ticket, categories, stand_in, monkeypatch):
    monkeypatch.setattr(annotation, "_readers", DeadlineExecutor("hanging", threads=2))
    stand_in.go_on.clear()
    started = time.monotonic()
    assert not services.annotate_soon(ticket.pk, budget_seconds=0.2)
    assert time.monotonic() - started < 1
    stand_in.go_on.set()
    _wait_for(annotation._readers, threads=2)
    assert TicketVector.objects.filter(ticket=ticket).exists()  # it went on behind


def test_when_models_hang_later_calls_return_at_once(ticket, monkeypatch):
    bounded, go_on = DeadlineExecutor("hanging", threads=1), threading.Event()
    with pytest.raises(TimeoutError):
        bounded.run(go_on.wait, seconds=0.05)
    monkeypatch.setattr(annotation, "_readers", bounded)
    started = time.monotonic()
    assert not services.annotate_soon(ticket.pk, budget_seconds=5)
    assert time.monotonic() - started < 0.5
    go_on.set()


def test_a_call_that_raises_is_logged_not_raised(monkeypatch):
    def fail(ticket_id: int) -> bool:
        raise RuntimeError

    monkeypatch.setattr(annotation, "annotate", fail)
    assert not services.annotate_soon(1, budget_seconds=5)


@pytest.mark.django_db(transaction=True)
def test_two_workers_read_each_text_once(alice, categories, stand_in):
    for number in range(8):
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Fault {number}", description="…", by=alice
        )
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        run_and_close_connection(services.catch_up)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert Event.objects.filter(kind=Event.Kind.CLASSIFIED).count() == 8
    assert Prediction.objects.count() == 16
    assert len(stand_in.asked) == 8


def _wait_for(bounded: DeadlineExecutor, threads: int) -> None:
    for _ in range(threads):
        assert bounded._free_threads.acquire(timeout=10)
