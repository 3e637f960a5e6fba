"""A desk teaches its own categories with the real encoder; the gate refuses what is not better."""

import json
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket, TicketCategory
from appliance.triage import classifier, engine, head_evaluation, learning, services, work_queue
from appliance.triage.models import CategoryHead, CategoryLabel, Prediction, TicketVector
from appliance.triage.services import backlog as backlog_module
from appliance.triage.services import learning as learning_module
from appliance.triage.texts import digest

State = CategoryHead.State
DEMO = Path(__file__).parents[2] / "web/demo/tickets.jsonl"
TAUGHT = ("software", "hardware", "access", "network")  # by 13 tickets of the demo desk each
PER_CATEGORY = 13
CRANES = [
    "Gantry crane in hall 2 does not lift, the hook stays up",
    "The hoist of crane 5 stops halfway and beeps",
    "Overhead crane: emergency stop cannot be released",
    "Crane 7 swings when it travels with a load of two tons",
    "Chain of the hoist in the workshop is worn, please inspect",
    "Remote control of the bridge crane has no contact",
    "Yearly inspection of crane 3 is due this week",
    "Load limiter of the gantry crane trips at half the load",
    "Crane at the loading ramp moves only to the left",
    "Hook latch of crane 1 is bent and does not close",
]
NEW_CRANE = "The bridge crane above line 4 stops lifting after a metre"


@lru_cache
def demo_texts() -> list[tuple[str, str, str]]:
    """Subject, description and category of tickets of the demo desk."""
    rows = [json.loads(line) for line in DEMO.read_text().splitlines()]
    texts = []
    for slug in TAUGHT:
        own = [row for row in rows if row["category"] == slug][:PER_CATEGORY]
        texts += [(row["subject"], row["description"], slug) for row in own]
    # the labels come in turns, as on a desk
    return [texts[row] for row in np.arange(len(texts)).reshape(len(TAUGHT), -1).T.ravel()]


@lru_cache
def classify(text: str, labels: tuple[tuple[str, str], ...]):
    """Return the real vector and prediction of a text; once, as the bundles are slow."""
    models = engine.current()
    return models.embed(text), models.classify(text, dict(labels))


@pytest.fixture
def falcon(categories, dan) -> TicketCategory:
    """A category of this desk alone, whose name says nothing to a model."""
    return tickets_services.add_category(by=dan, name="Team Falcon")


@pytest.fixture
def create_many(alice, bundles):
    def create_many(texts: list[tuple[str, str]], **fields) -> list[Ticket]:
        """Create tickets with real vectors and the predictions of the classifier alone."""
        tickets = Ticket.objects.bulk_create(
            Ticket(customer=alice.customer, subject=subject, description=text, **fields)
            for subject, text in texts
        )
        labels = tuple(classifier.labels().items())
        results = [(ticket, *classify(ticket.text, labels)) for ticket in tickets]
        Prediction.objects.bulk_create(
            Prediction(
                ticket=ticket,
                kind="category",
                label=category.label or "",
                confidence=category.confidence,
                scores=learning.stored_scores(category),
                bundle_digest=category.bundle.digest,
                text_sha256=digest(ticket.text),
            )
            for ticket, _, category in results
        )
        TicketVector.objects.bulk_create(
            TicketVector(
                ticket=ticket,
                space=engine.active_space(),
                vector=vector,
                text_sha256=digest(ticket.text),
            )
            for ticket, vector, _ in results
        )
        return tickets

    return create_many


@pytest.fixture
def create(create_many):
    return lambda text, **fields: create_many([(text, text)], **fields)[0]


@pytest.fixture
def taught(create_many, falcon, categories, bob) -> list[CategoryLabel]:
    """62 labels: 13 tickets of each of four categories, and ten of the desk's own."""
    rows = [(subject, text, categories[slug]) for subject, text, slug in demo_texts()]
    for number, text in enumerate(CRANES):
        rows.insert(number * 6 + 5, (text, "", falcon))
    tickets = create_many([row[:2] for row in rows], status="closed")
    first_day = timezone.now() - timedelta(days=90)
    return CategoryLabel.objects.bulk_create(
        CategoryLabel(
            ticket=ticket,
            category=row[2],
            source=CategoryLabel.Source.CORRECTED,
            by=bob,
            at=first_day + timedelta(days=number),
        )
        for number, (ticket, row) in enumerate(zip(tickets, rows, strict=True))
    )


@pytest.fixture
def head(taught) -> CategoryHead:
    head = services.train_head()
    services.activate_head(head=head, by=None)
    head.refresh_from_db()
    return head


def first_guess(ticket: Ticket) -> str:
    return Prediction.objects.get(ticket=ticket, kind="category").scores[0][0]


def annotate_again(ticket: Ticket) -> Prediction:
    Prediction.objects.filter(ticket=ticket).delete()
    services.annotate(ticket.pk)
    return Prediction.objects.get(ticket=ticket, kind="category")


def test_own_category_is_learned_from_ten_labels(taught, create, falcon, dan):
    crane = create(NEW_CRANE)
    assert first_guess(crane) != falcon.slug
    head = services.train_head(by=dan)
    assert head.state == State.READY, head.evaluation
    assert head.counts[falcon.slug] == 10
    assert head.evaluation["overall"]["after"] > head.evaluation["overall"]["before"]
    assert [crane.pk, first_guess(crane), falcon.slug] in head.changes["examples"]
    services.activate_head(head=head, by=dan)
    prediction = annotate_again(crane)
    assert prediction.scores[0][0] == falcon.slug
    assert prediction.head == head.pk and prediction.base["scores"]


def test_random_labels_are_refused(taught, categories):
    rng = np.random.default_rng(1)
    chosen = [categories[slug] for slug in TAUGHT]
    for label in taught:
        CategoryLabel.objects.filter(pk=label.pk).update(category=chosen[rng.integers(4)])
    head = services.train_head()
    assert head.state == State.REFUSED and head.evaluation["reason"]
    assert not head.content
    with pytest.raises(BadInputError):
        services.activate_head(head=head, by=None)


def test_too_few_labels_are_not_enough_evidence(taught):
    CategoryLabel.objects.filter(pk__in=[label.pk for label in taught[:3]]).delete()
    assert services.train_head().evaluation["reason"] == "few labels"


def test_rollback_uses_the_head_before_and_stops_the_nights(head, taught, dan):
    second = services.train_head()
    services.activate_head(head=second, by=dan)
    assert learning.find_head_in_use().version == second.pk
    services.roll_back_head(by=dan)
    assert learning.find_head_in_use().version == head.pk
    assert not services.load_settings().is_nightly
    services.roll_back_head(by=dan)
    assert learning.find_head_in_use() is None
    with pytest.raises(BadInputError):
        services.roll_back_head(by=dan)


def test_every_step_is_audited(head, dan):
    services.request_training(by=dan)
    services.roll_back_head(by=dan)
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"trained", "activated", "requested training", "rolled back"} <= verbs


def test_agent_can_neither_train_nor_roll_back(head, bob):
    for call in (services.request_training, services.roll_back_head):
        with pytest.raises(ForbiddenError):
            call(by=bob)


def test_removed_category_is_never_predicted(
    head, create, falcon, dan, django_capture_on_commit_callbacks
):
    crane = create(NEW_CRANE)
    with django_capture_on_commit_callbacks(execute=True):  # the classifier's labels are cached
        tickets_services.deactivate_category(category=falcon, by=dan)
    prediction = annotate_again(crane)
    assert prediction.head == head.pk
    assert falcon.slug not in dict(prediction.scores)
    assert services.train_head().counts.keys().isdisjoint({falcon.slug})


def test_labels_of_a_removed_category_can_teach_another(taught, falcon, categories, dan):
    with pytest.raises(BadInputError):
        services.pass_labels_on(source=falcon, target=categories["hardware"], by=dan)
    tickets_services.deactivate_category(category=falcon, by=dan)
    assert services.pass_labels_on(source=falcon, target=categories["hardware"], by=dan) == 10
    assert CategoryLabel.objects.filter(category=categories["hardware"]).count() == 23


def test_second_training_at_once_does_nothing(taught):
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None), parameters.pop("context", None)
    with psycopg.connect(**parameters) as other:
        lock = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
        other.execute(lock, [learning_module.TRAINING_LOCK])
        assert services.train_head() is None
        other.execute(lock.replace("lock(", "unlock("), [learning_module.TRAINING_LOCK])
        assert services.train_head() is not None


def test_training_that_is_killed_leaves_the_old_head(head, monkeypatch):
    def die(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(learning_module, "_store", die)
        with pytest.raises(KeyboardInterrupt):
            services.train_head()
    assert learning.find_head_in_use().version == head.pk
    assert services.train_head().state == State.READY  # the lock is free again


def test_backlog_is_predicted_again_unsorted_tickets_first(taught, create, categories, falcon):
    sorted_ticket = create(NEW_CRANE + ".", category=categories["hardware"])
    unsorted = create(NEW_CRANE)
    closed = create(NEW_CRANE + "!", status="closed")
    head = services.train_head()
    services.activate_head(head=head, by=None)
    bundle, learned = engine.current().bundle("classifier"), learning.find_head_in_use()
    order = [
        Prediction.objects.get(pk=pk).ticket_id
        for pk in backlog_module.list_outdated(bundle, learned, 10)
    ]
    assert order == [unsorted.pk, sorted_ticket.pk]
    assert services.reclassify_backlog() == 2
    assert [first_guess(ticket) for ticket in (unsorted, sorted_ticket)] == [falcon.slug] * 2
    assert first_guess(closed) != falcon.slug
    assert services.reclassify_backlog() == 0


def test_category_of_a_person_is_never_overwritten(taught, create, categories, bob):
    crane = create(NEW_CRANE)
    services.correct_category(ticket=crane, category=categories["network"], by=bob)
    services.activate_head(head=services.train_head(), by=None)
    services.reclassify_backlog()
    crane.refresh_from_db()
    assert crane.category == categories["network"]
    assert Prediction.objects.get(ticket=crane).head == 0


def test_rollback_restores_the_prediction_of_the_classifier(head, create, dan):
    crane = create(NEW_CRANE)
    before = Prediction.objects.get(ticket=crane)
    services.reclassify_backlog()
    assert Prediction.objects.get(ticket=crane).head == head.pk
    services.roll_back_head(by=dan)
    services.reclassify_backlog()
    after = Prediction.objects.get(ticket=crane)
    assert (after.label, after.head, after.base) == (before.label, 0, {})
    assert dict(after.scores) == pytest.approx(dict(before.scores), abs=1e-3)


def test_night_trains_only_when_labels_are_new(taught, create, categories, bob):
    assert services.learn_nightly() == 1
    assert services.learn_nightly() == 0 and CategoryHead.objects.count() == 1
    ticket = create("Printer is jammed again", status="closed")
    services.correct_category(ticket=ticket, category=categories["hardware"], by=bob)
    services.learn_nightly()
    assert CategoryHead.objects.count() == 2


def test_night_does_nothing_while_it_is_switched_off(taught, dan):
    services.set_nightly(is_nightly=False, by=dan)
    assert services.learn_nightly() == 0 and not CategoryHead.objects.exists()


def test_head_of_another_space_is_not_used_until_trained_again(head, monkeypatch):
    CategoryHead.objects.update(space="of the encoder before")
    assert learning.find_head_in_use() is None
    monkeypatch.setattr(learning_module.spaces, "is_space_complete", lambda space: False)
    assert services.relearn_for_new_space() == 0
    monkeypatch.setattr(learning_module.spaces, "is_space_complete", lambda space: True)
    assert services.relearn_for_new_space() == 1
    assert learning.find_head_in_use().space == engine.active_space()
    assert services.relearn_for_new_space() == 0


def test_learned_head_does_not_make_texts_pending(head, create):
    create(NEW_CRANE)
    services.reclassify_backlog()
    refs = {"classifier": engine.find_ref("classifier")}
    work_queue.refresh(refs)
    assert not work_queue.list_pending_tickets(refs, 100)


def test_tests_are_newer_than_what_teaches():
    labels = np.array(["a"] * 9 + ["b"] * 6)
    assert np.flatnonzero(head_evaluation.split(labels)).tolist() == [6, 7, 8, 13, 14]
