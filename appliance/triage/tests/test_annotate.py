"""A ticket is read once by each bundle, and again when the text or a bundle is another one."""

import pytest

from appliance.core.errors import ForbiddenError
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Ticket
from appliance.triage import inference_calls, queries, services
from appliance.triage.models import AnnotationLease, Correction, Prediction, TicketVector

pytestmark = pytest.mark.usefixtures("bundles", "categories")


def sorted_events(ticket: Ticket) -> list[Event]:
    return list(ticket.events.filter(kind=Event.Kind.CLASSIFIED))


def said_of(ticket: Ticket) -> Prediction:
    return ticket.predictions.get(kind=Prediction.Kind.CATEGORY)


def test_a_ticket_gets_its_category_sentiment_and_vector(ticket):
    assert services.annotate(ticket.pk)
    ticket.refresh_from_db()
    assert said_of(ticket).scores[0][0] == "hardware"
    assert (ticket.category.slug if ticket.category else "") == said_of(ticket).label
    assert -1 <= ticket.sentiment_score <= 1
    assert len(ticket.vectors.get().vector) == 384
    assert not AnnotationLease.objects.exists()


def test_the_event_says_who_said_what(ticket):
    services.annotate(ticket.pk)
    (event,) = sorted_events(ticket)
    said = said_of(ticket)
    assert said.bundle_name in event.actor_name
    assert event.data["category"] == said.label
    assert event.data["confidence"] == pytest.approx(said.confidence, abs=0.001)


def test_reading_again_writes_nothing(ticket):
    services.annotate(ticket.pk)
    assert not services.annotate(ticket.pk)
    assert len(sorted_events(ticket)) == 1


def test_a_ticket_that_is_gone_is_no_error(db):
    assert not services.annotate(404)


def test_what_another_bundle_said_is_said_again(ticket):
    services.annotate(ticket.pk)
    Prediction.objects.filter(kind="category").update(bundle_digest="an older one", label="old")
    assert services.catch_up() == 1
    assert said_of(ticket).label != "old"
    assert len(sorted_events(ticket)) == 2


def test_a_vector_of_another_space_is_made_beside_without_an_event(ticket):
    services.annotate(ticket.pk)
    TicketVector.objects.update(space="an older one")
    assert services.catch_up() == 1
    assert TicketVector.objects.count() == 2
    assert TicketVector.objects.in_reading_space().get().space != "an older one"
    assert len(sorted_events(ticket)) == 1


def test_an_annotation_older_than_the_text_is_made_again(ticket):
    services.annotate(ticket.pk)
    Ticket.objects.filter(pk=ticket.pk).update(description="My salary was not paid this month.")
    assert services.catch_up() == 1
    assert services.catch_up() == 0


def test_reading_a_ticket_takes_few_queries(ticket, django_assert_max_num_queries):
    with django_assert_max_num_queries(32):
        assert services.annotate(ticket.pk)


def test_nothing_is_written_when_the_text_changes_under_the_reader(ticket, monkeypatch):
    ask = inference_calls.ask

    def ask_slowly(*args, **options):
        Ticket.objects.filter(pk=ticket.pk).update(subject="Another subject")
        return ask(*args, **options)

    monkeypatch.setattr(inference_calls, "ask", ask_slowly)
    assert not services.annotate(ticket.pk)
    assert not Prediction.objects.exists()
    assert services.catch_up() == 1


def test_a_category_a_person_chose_stays(ticket, bob, categories):
    services.correct_category(ticket=ticket, category=categories["people"], by=bob)
    services.annotate(ticket.pk)
    ticket.refresh_from_db()
    assert ticket.category == categories["people"]
    assert said_of(ticket).label != "people"


def test_a_correction_remembers_what_the_bundle_had_said(ticket, bob, categories):
    services.annotate(ticket.pk)
    services.correct_category(ticket=ticket, category=categories["software"], by=bob)
    correction = Correction.objects.get()
    assert (correction.predicted, correction.category.slug) == (said_of(ticket).label, "software")
    assert correction.bundle_digest == said_of(ticket).bundle_digest


def test_choosing_the_same_category_is_no_correction(ticket, bob, categories):
    services.annotate(ticket.pk)
    ticket.refresh_from_db()
    services.correct_category(ticket=ticket, category=ticket.category, by=bob)
    assert not Correction.objects.exists()


def test_a_customer_corrects_nothing(ticket, alice, categories):
    with pytest.raises(ForbiddenError):
        services.correct_category(ticket=ticket, category=categories["software"], by=alice)


def test_the_newest_open_ticket_is_read_first(ticket, alice, bob):
    closed = tickets_services.create_ticket(
        customer=alice.customer, subject="a", description="b", by=alice
    )
    tickets_services.set_status(ticket=closed, status="closed", by=bob)
    services.catch_up(limit=1)
    assert TicketVector.objects.get().ticket == ticket


def test_the_reading_says_what_the_page_needs(ticket, alice):
    assert queries.find_reading(alice, ticket).state == "pending"
    services.annotate(ticket.pk)
    reading = queries.find_reading(alice, ticket)
    assert reading.state == "classified"
    assert reading.category.is_decided == bool(reading.category.slug)
    assert (reading.category.scores[0].slug, reading.category.scores[0].name) == (
        "hardware",
        "Hardware",
    )
    assert reading.sentiment.label in ("negative", "neutral", "positive")


def test_nobody_elses_reading_is_shown(ticket, carol):
    services.annotate(ticket.pk)
    assert queries.find_reading(carol, ticket).category is None
