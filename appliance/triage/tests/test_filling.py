"""A new encoder's vectors are written beside the old ones, and the old ones go when all is well."""

import json
import shutil

import numpy as np
import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.core.errors import ForbiddenError
from appliance.inference import bundle_holder
from appliance.inference.bundle_store import ActiveBundles, write_active
from appliance.knowledge import services as knowledge_services
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import engine, index_recall, queries, services, spaces, suggestions
from appliance.triage.models import DIMENSIONS, AnnotationLease, Passage, TicketVector
from appliance.triage.services import annotation
from appliance.triage.services import spaces as verbs

NEW = "encoder/3"

pytestmark = pytest.mark.usefixtures("bundles")


@pytest.fixture
def read(ticket, bob, alice) -> list[Ticket]:
    """A desk of three tickets and an article, read by the encoder that came with it."""
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
def choose(settings, tmp_path, monkeypatch):
    """What runs and what comes next, as an update would write it; encoder 3 is installed."""
    monkeypatch.setattr(bundle_holder, "CHECK_SECONDS", 0)
    settings.DATA = tmp_path
    folder = tmp_path / "models" / "encoder" / "3"
    shutil.copytree(settings.MODELS / "encoder" / "2", folder)
    described = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(described | {"version": "3", "space": NEW}))
    return lambda **choice: write_active(tmp_path / "models", ActiveBundles(**choice))


@pytest.fixture
def filled(read, choose) -> str:
    choose(upcoming={"encoder": "encoder/3"})
    assert services.fill_space() == 4
    return NEW


def flip(choose) -> None:
    choose(running={"encoder": "encoder/3"})
    assert engine.reading_space() == NEW


def test_without_a_next_encoder_nothing_is_written(read):
    assert services.fill_space() == 0


def test_what_is_found_stays_what_it_was_while_the_new_space_fills(read, choose, bob):
    before = queries.list_similar_tickets(bob, read[0])
    choose(upcoming={"encoder": "encoder/3"})
    assert services.fill_space(limit=1) == 2  # an article and a ticket
    assert not spaces.is_space_complete(NEW)
    assert queries.list_similar_tickets(bob, read[0]) == before
    assert engine.reading_space() != NEW


def test_whoever_goes_on_does_what_is_left_and_no_more(read, choose):
    choose(upcoming={"encoder": "encoder/3"})
    services.fill_space(limit=1)
    assert services.fill_space() == 2
    assert services.fill_space() == 0
    assert spaces.is_space_complete(NEW)
    assert TicketVector.objects.filter(space=NEW).count() == 3


def test_a_worker_that_was_killed_gives_its_text_back(read, choose):
    choose(upcoming={"encoder": "encoder/3"})
    annotation.claim_text("next_ticket", read[0].pk, "what it read", {})
    assert services.fill_space() == 3
    assert not spaces.is_space_complete(NEW)
    AnnotationLease.objects.update(leased_until="2001-01-01T00:00Z")
    assert services.fill_space() == 1
    assert spaces.is_space_complete(NEW)


def test_progress_is_told_for_each_space(read, choose):
    choose(upcoming={"encoder": "encoder/3"})
    services.fill_space(limit=1)
    reading, upcoming = spaces.list_spaces()
    assert (reading.use, reading.share) == ("reading", 1.0)
    assert (upcoming.name, upcoming.use) == (NEW, "next")
    assert (upcoming.tickets, upcoming.of_tickets) == (1, 3)
    assert (upcoming.articles, upcoming.of_articles) == (1, 1)
    assert upcoming.share == 0.5


def test_what_people_wait_for_comes_first(read, choose):
    choose(upcoming={"encoder": "encoder/3"})
    services.queue_annotation(read[0])
    assert services.fill_space() == 0


def test_filling_never_holds_a_worker_longer_than_its_slice(read, choose):
    choose(upcoming={"encoder": "encoder/3"})
    assert services.fill_space(seconds=0) == 0


def test_a_text_the_new_encoder_breaks_on_is_left_out_and_told(read, choose, monkeypatch):
    choose(upcoming={"encoder": "encoder/3"})
    embed = engine.current().embed

    def breaks(text: str, space: str | None = None) -> np.ndarray:
        if "blank" in text:
            raise RuntimeError("out of memory")
        return embed(text, space=space)

    monkeypatch.setattr(engine.current(), "embed", breaks)
    for _ in range(4):
        services.fill_space()
    assert spaces.is_space_complete(NEW)
    assert spaces.list_spaces()[1].parked == 1
    assert queries.count_backlog().tickets == 0, "the encoder at work has nothing to do with it"


def test_a_changed_text_makes_the_space_incomplete(filled, read):
    assert spaces.is_space_complete(NEW)
    Ticket.objects.filter(pk=read[0].pk).update(description="It is the other printer.")
    assert not spaces.is_space_complete(NEW)


def test_after_the_flip_reads_go_to_the_new_space_alone(filled, read, choose, bob):
    flip(choose)
    TicketVector.objects.exclude(space=NEW).update(vector=np.ones(DIMENSIONS))
    assert services.catch_up() == 0
    similar = queries.list_similar_tickets(bob, read[0])
    assert {near.ticket for near in similar} <= {*read[1:]}
    assert max((near.score for near in similar), default=0) < 0.9, "ones would be alike"
    assert [hit.passage for hit in suggestions.list_suggestions(bob, read[0])] == [
        "Pull the strip."
    ]


def test_going_back_finds_the_old_vectors_where_they_were(filled, read, choose, bob):
    flip(choose)
    choose()
    assert services.catch_up() == 0
    assert spaces.is_space_complete(engine.reading_space())


def test_the_old_space_is_forgotten_in_slices(filled, choose, monkeypatch):
    monkeypatch.setattr(verbs, "SLICE", 2)
    (old,) = spaces.list_names() - {NEW}
    flip(choose)
    assert services.forget_space(space=old, seconds=0) == 2
    assert services.forget_space(space=old) == 2
    assert services.forget_space(space=old) == 0
    assert spaces.list_names() == {NEW}


@pytest.mark.parametrize("place", [0, 1])
def test_a_space_in_use_is_not_forgotten(filled, place):
    with pytest.raises(ForbiddenError):
        services.forget_space(space=spaces.list_spaces()[place].name)


def test_what_no_encoder_at_hand_can_read_goes_by_itself(read, choose):
    choose()
    TicketVector.objects.create(
        ticket=read[0], space="encoder/1", vector=np.ones(DIMENSIONS), text_sha256="x"
    )
    services.tend_spaces()
    assert ProcrastinateJob.objects.get().args == {"space": "encoder/1"}


def test_what_may_be_gone_back_to_stays(filled, choose):
    flip(choose)
    services.tend_spaces()  # the release's own encoder reads the old space
    assert not ProcrastinateJob.objects.exists()


def test_the_same_encoder_under_another_name_agrees(filled):
    assert index_recall.recall_agrees(NEW)


def scatter(space: str, count: int, alice) -> None:
    """Tickets in pairs that are near each other in the space that is read, and ``count`` of them
    in the new one: anywhere, or just as near."""
    random = np.random.default_rng(3)
    for number in range(count):
        place = random.standard_normal(DIMENSIONS)
        for _ in range(2):
            ticket = tickets_services.create_ticket(
                customer=alice.customer, subject=f"Fault {number}", description="…", by=alice
            )
            near = place + 0.1 * random.standard_normal(DIMENSIONS)
            far = random.standard_normal(DIMENSIONS)
            for name, vector in ((engine.reading_space(), near), (NEW, far), ("good", -near)):
                TicketVector.objects.create(
                    ticket=ticket, space=name, vector=vector, text_sha256="x"
                )


def test_an_encoder_that_puts_texts_anywhere_does_not_agree(alice):
    scatter(NEW, 20, alice)
    assert index_recall.measure_recall("good").preserved == 1.0
    assert index_recall.measure_recall(NEW).preserved < index_recall.MIN_PRESERVED
    assert index_recall.recall_agrees("good")
    assert not index_recall.recall_agrees(NEW)


def test_an_index_that_finds_too_little_does_not_agree(filled, monkeypatch):
    monkeypatch.setattr(index_recall, "list_nearest", lambda rows, limit, least: [])
    assert index_recall.measure_recall(NEW).recall == 0
    assert not index_recall.recall_agrees(NEW)


def test_the_jobs_wait_for_everything_else(read):
    services.queue_filling(pause_seconds=10)
    services.queue_forgetting("encoder/1")
    assert {job.priority for job in ProcrastinateJob.objects.all()} == {-10}
    assert verbs.FIRST and not verbs._waits()


def test_passages_of_both_spaces_go_with_the_text_they_are_of(filled, bob):
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
