"""A new encoder's vectors are written beside the active ones, which are deleted later."""

import json
import shutil

import numpy as np
import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.core.errors import ForbiddenError
from appliance.inference import bundle_holder
from appliance.inference.bundle import find_active
from appliance.inference.bundle_store import ActiveBundles, write_active
from appliance.knowledge import services as knowledge_services
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import (
    engine,
    index_recall,
    queries,
    services,
    spaces,
    suggestions,
    work_queue,
)
from appliance.triage.models import DIMENSIONS, AnnotationLease, Passage, TicketVector
from appliance.triage.services import spaces as space_services

NEW = "encoder/99"

pytestmark = pytest.mark.usefixtures("bundles")


@pytest.fixture
def tickets(ticket, bob, alice) -> list[Ticket]:
    """Three tickets and an article, processed by the release's encoder."""
    for subject in ("No mail since noon", "Second screen stays black"):
        tickets_services.create_ticket(
            customer=alice.customer, subject=subject, description="…", by=alice
        )
    knowledge_services.write_article(
        by=bob, title="Toner", content="Pull the strip.", status="published"
    )
    services.catch_up()
    ProcrastinateJob.objects.all().delete()
    return list(Ticket.objects.all())


@pytest.fixture
def write_active_json(settings, tmp_path, monkeypatch):
    """Write active.json as an update does; encoder 99 is installed."""
    monkeypatch.setattr(bundle_holder, "CHECK_SECONDS", 0)
    settings.DATA = tmp_path
    folder = tmp_path / "models" / NEW
    shutil.copytree(find_active(settings.MODELS, "encoder").folder, folder)
    description = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(description | {"version": "99", "space": NEW}))
    return lambda **entries: write_active(tmp_path / "models", ActiveBundles(**entries))


@pytest.fixture
def filled(tickets, write_active_json) -> str:
    write_active_json(upcoming={"encoder": NEW})
    assert services.fill_space() == 4
    return NEW


def activate(write_active_json) -> None:
    write_active_json(running={"encoder": NEW})
    assert engine.active_space() == NEW


def test_without_a_next_encoder_nothing_is_written(tickets):
    assert services.fill_space() == 0


def test_searches_do_not_change_while_the_next_space_fills(tickets, write_active_json, bob):
    before = queries.list_similar_tickets(bob, tickets[0])
    write_active_json(upcoming={"encoder": NEW})
    assert services.fill_space(limit=1) == 2  # an article and a ticket
    assert not spaces.is_space_complete(NEW)
    assert queries.list_similar_tickets(bob, tickets[0]) == before
    assert engine.active_space() != NEW


def test_next_batch_writes_only_what_is_missing(tickets, write_active_json):
    write_active_json(upcoming={"encoder": NEW})
    services.fill_space(limit=1)
    assert services.fill_space() == 2
    assert services.fill_space() == 0
    assert spaces.is_space_complete(NEW)
    assert TicketVector.objects.filter(space=NEW).count() == 3


def test_lease_of_a_killed_worker_runs_out(tickets, write_active_json):
    write_active_json(upcoming={"encoder": NEW})
    work_queue.claim("next_ticket", tickets[0].pk, text_sha256="of the text", refs={})
    assert services.fill_space() == 3
    assert not spaces.is_space_complete(NEW)
    AnnotationLease.objects.update(leased_until="2001-01-01T00:00Z")
    assert services.fill_space() == 1
    assert spaces.is_space_complete(NEW)


def test_progress_is_listed_per_space(tickets, write_active_json):
    write_active_json(upcoming={"encoder": NEW})
    services.fill_space(limit=1)
    active, upcoming = spaces.list_spaces()
    assert (active.use, active.share) == ("active", 1.0)
    assert (upcoming.name, upcoming.use) == (NEW, "next")
    assert (upcoming.tickets, upcoming.total_tickets) == (1, 3)
    assert (upcoming.articles, upcoming.total_articles) == (1, 1)
    assert upcoming.share == 0.5


def test_urgent_jobs_come_first(tickets, write_active_json):
    write_active_json(upcoming={"encoder": NEW})
    services.queue_annotation(tickets[0])
    assert services.fill_space() == 0


def test_batch_ends_in_time(tickets, write_active_json):
    write_active_json(upcoming={"encoder": NEW})
    assert services.fill_space(seconds=0) == 0


def test_text_the_next_encoder_fails_on_is_left_out_and_counted(
    tickets, write_active_json, monkeypatch
):
    write_active_json(upcoming={"encoder": NEW})
    embed = engine.current().embed

    def fail_on_blank(text: str, space: str | None = None) -> np.ndarray:
        if "blank" in text:
            raise RuntimeError("out of memory")
        return embed(text, space=space)

    monkeypatch.setattr(engine.current(), "embed", fail_on_blank)
    for _ in range(4):
        services.fill_space()
    assert spaces.is_space_complete(NEW)
    assert spaces.list_spaces()[1].failed == 1
    assert queries.count_backlog().tickets == 0, "the active encoder is not affected"


def test_changed_text_makes_the_space_incomplete(filled, tickets):
    assert spaces.is_space_complete(NEW)
    Ticket.objects.filter(pk=tickets[0].pk).update(description="It is the other printer.")
    assert not spaces.is_space_complete(NEW)


def test_after_activation_searches_use_only_the_new_space(
    filled, tickets, write_active_json, bob, monkeypatch
):
    monkeypatch.setattr(suggestions, "find_floor_for", lambda *_: -1.0)  # an article about toner
    activate(write_active_json)
    TicketVector.objects.exclude(space=NEW).update(vector=np.ones(DIMENSIONS))
    assert services.catch_up() == 0
    similar = queries.list_similar_tickets(bob, tickets[0])
    assert {near.ticket for near in similar} <= {*tickets[1:]}
    assert max((near.score for near in similar), default=0) < 0.9, "equal vectors would be similar"
    assert [hit.passage for hit in suggestions.list_suggestions(bob, tickets[0])] == [
        "Pull the strip."
    ]


def test_after_a_rollback_the_old_vectors_are_there(filled, tickets, write_active_json, bob):
    activate(write_active_json)
    write_active_json()
    assert services.catch_up() == 0
    assert spaces.is_space_complete(engine.active_space())


def test_old_space_is_deleted_in_batches(filled, write_active_json, monkeypatch):
    monkeypatch.setattr(space_services, "BATCH_ROWS", 2)
    (old,) = spaces.list_space_names() - {NEW}
    activate(write_active_json)
    assert services.delete_space(space=old, seconds=0) == 2
    assert services.delete_space(space=old) == 2
    assert services.delete_space(space=old) == 0
    assert spaces.list_space_names() == {NEW}


@pytest.mark.parametrize("place", [0, 1])
def test_space_in_use_is_not_deleted(filled, place):
    with pytest.raises(ForbiddenError):
        services.delete_space(space=spaces.list_spaces()[place].name)


def test_space_of_no_encoder_is_deleted(tickets, write_active_json):
    write_active_json()
    TicketVector.objects.create(
        ticket=tickets[0], space="encoder/1", vector=np.ones(DIMENSIONS), text_sha256="x"
    )
    services.maintain_spaces()
    assert ProcrastinateJob.objects.get().args == {"space": "encoder/1"}


def test_space_of_the_previous_encoder_stays(filled, write_active_json):
    activate(write_active_json)
    services.maintain_spaces()  # the release's own encoder uses the old space
    assert not ProcrastinateJob.objects.exists()


def test_same_encoder_under_another_name_is_acceptable(filled):
    assert index_recall.is_recall_acceptable(NEW)


def scatter(space: str, count: int, alice) -> None:
    """Create pairs of tickets near each other in the active space, and random in ``space``."""
    random = np.random.default_rng(3)
    for number in range(count):
        place = random.standard_normal(DIMENSIONS)
        for _ in range(2):
            ticket = tickets_services.create_ticket(
                customer=alice.customer, subject=f"Fault {number}", description="…", by=alice
            )
            near = place + 0.1 * random.standard_normal(DIMENSIONS)
            far = random.standard_normal(DIMENSIONS)
            for name, vector in ((engine.active_space(), near), (NEW, far), ("good", -near)):
                TicketVector.objects.create(
                    ticket=ticket, space=name, vector=vector, text_sha256="x"
                )


def test_encoder_with_random_vectors_is_not_acceptable(alice):
    scatter(NEW, 20, alice)
    assert index_recall.measure_recall("good").agreement == 1.0
    assert index_recall.measure_recall(NEW).agreement < index_recall.MIN_AGREEMENT
    assert index_recall.is_recall_acceptable("good")
    assert not index_recall.is_recall_acceptable(NEW)


def test_index_that_finds_too_little_is_not_acceptable(filled, monkeypatch):
    monkeypatch.setattr(index_recall, "list_nearest", lambda rows, limit, min_cosine: [])
    assert index_recall.measure_recall(NEW).recall == 0
    assert not index_recall.is_recall_acceptable(NEW)


def test_jobs_have_low_priority(tickets):
    services.queue_space_filling(pause_seconds=10)
    services.queue_space_deletion("encoder/1")
    assert {job.priority for job in ProcrastinateJob.objects.all()} == {-10}
    assert space_services.URGENT_TASKS and not space_services._has_urgent_jobs()


def test_outdated_passages_of_both_spaces_are_deleted(filled, bob):
    assert Passage.objects.count() == 2
    article = Passage.objects.first().article
    knowledge_services.edit_article(
        article=article,
        by=bob,
        title="Toner",
        content="Call 4417.",
        category=None,
        status="published",
        seen_at=article.updated_at,
    )
    services.catch_up()
    assert [passage.text for passage in Passage.objects.all()] == ["Call 4417."]
