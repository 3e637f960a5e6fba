"""A ticket is annotated once by each bundle, and again when its text or a bundle changes."""

import pytest
from django.urls import reverse

from appliance.core.errors import ForbiddenError
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Ticket
from appliance.triage import inference_calls, queries, services
from appliance.triage.models import AnnotationLease, Correction, Prediction, TicketVector

pytestmark = pytest.mark.usefixtures("bundles", "categories")


def sorted_events(ticket: Ticket) -> list[Event]:
    return list(ticket.events.filter(kind=Event.Kind.CLASSIFIED))


def category_prediction(ticket: Ticket) -> Prediction:
    return ticket.predictions.get(kind=Prediction.Kind.CATEGORY)


def test_ticket_gets_a_category_a_sentiment_and_a_vector(ticket):
    assert services.annotate(ticket.pk)
    ticket.refresh_from_db()
    assert category_prediction(ticket).scores[0][0] == "hardware"
    assert (ticket.category.slug if ticket.category else "") == category_prediction(ticket).label
    assert -1 <= ticket.sentiment_score <= 1
    assert len(ticket.vectors.get().vector) == 384
    assert not AnnotationLease.objects.exists()


def test_event_names_bundle_and_prediction(ticket):
    services.annotate(ticket.pk)
    (event,) = sorted_events(ticket)
    prediction = category_prediction(ticket)
    assert prediction.bundle_name in event.actor_name
    assert event.data["category"] == prediction.label
    assert event.data["confidence"] == pytest.approx(prediction.confidence, abs=0.001)


def test_second_annotation_writes_nothing(ticket):
    services.annotate(ticket.pk)
    assert not services.annotate(ticket.pk)
    assert len(sorted_events(ticket)) == 1


def test_deleted_ticket_is_no_error(db):
    assert not services.annotate(404)


def test_prediction_of_another_bundle_is_made_again(ticket):
    services.annotate(ticket.pk)
    Prediction.objects.filter(kind="category").update(bundle_digest="an older one", label="old")
    assert services.catch_up() == 1
    assert category_prediction(ticket).label != "old"
    assert len(sorted_events(ticket)) == 2


def test_vector_of_another_space_is_added_without_an_event(ticket):
    services.annotate(ticket.pk)
    TicketVector.objects.update(space="an older one")
    assert services.catch_up() == 1
    assert TicketVector.objects.count() == 2
    assert TicketVector.objects.in_active_space().get().space != "an older one"
    assert len(sorted_events(ticket)) == 1


def test_prediction_of_an_older_text_is_made_again(ticket):
    services.annotate(ticket.pk)
    Ticket.objects.filter(pk=ticket.pk).update(description="My salary was not paid this month.")
    assert services.catch_up() == 1
    assert services.catch_up() == 0


def test_annotation_takes_few_queries(ticket, django_assert_max_num_queries):
    with django_assert_max_num_queries(33):
        assert services.annotate(ticket.pk)


def test_nothing_is_written_when_the_text_changes_meanwhile(ticket, monkeypatch):
    predict = inference_calls.predict

    def predict_slowly(*args, **options):
        Ticket.objects.filter(pk=ticket.pk).update(subject="Another subject")
        return predict(*args, **options)

    monkeypatch.setattr(inference_calls, "predict", predict_slowly)
    assert not services.annotate(ticket.pk)
    assert not Prediction.objects.exists()
    assert services.catch_up() == 1


def test_category_a_person_chose_stays(ticket, bob, categories):
    services.correct_category(ticket=ticket, category=categories["people"], by=bob)
    services.annotate(ticket.pk)
    ticket.refresh_from_db()
    assert ticket.category == categories["people"]
    assert category_prediction(ticket).label != "people"


def test_correction_records_the_prediction(ticket, bob, categories):
    services.annotate(ticket.pk)
    services.correct_category(ticket=ticket, category=categories["software"], by=bob)
    correction = Correction.objects.get()
    assert (correction.predicted, correction.category.slug) == (
        category_prediction(ticket).label,
        "software",
    )
    assert correction.bundle_digest == category_prediction(ticket).bundle_digest


def test_choosing_the_same_category_is_no_correction(ticket, bob, categories):
    services.annotate(ticket.pk)
    ticket.refresh_from_db()
    services.correct_category(ticket=ticket, category=ticket.category, by=bob)
    assert not Correction.objects.exists()


def test_customer_cannot_correct_a_category(ticket, alice, categories):
    with pytest.raises(ForbiddenError):
        services.correct_category(ticket=ticket, category=categories["software"], by=alice)


def test_newest_open_ticket_is_annotated_first(ticket, alice, bob):
    closed = tickets_services.create_ticket(
        customer=alice.customer, subject="a", description="b", by=alice
    )
    tickets_services.set_status(ticket=closed, status="closed", by=bob)
    services.catch_up(limit=1)
    assert TicketVector.objects.get().ticket == ticket


def test_predictions_hold_what_the_page_shows(ticket, alice):
    assert queries.find_predictions(alice, ticket).state == "pending"
    services.annotate(ticket.pk)
    predictions = queries.find_predictions(alice, ticket)
    assert predictions.state == "classified"
    assert predictions.category.is_decided == bool(predictions.category.slug)
    assert (predictions.category.scores[0].slug, predictions.category.scores[0].name) == (
        "hardware",
        "Hardware",
    )
    assert predictions.sentiment.label in ("negative", "neutral", "positive")


def test_predictions_of_hidden_tickets_are_not_shown(ticket, carol):
    services.annotate(ticket.pk)
    assert queries.find_predictions(carol, ticket).category is None


@pytest.mark.parametrize(
    "text", ["الطابعة لا تعمل منذ الصباح", "Tulostin ei ole tulostanut mitään aamusta asti, apua!"]
)
def test_text_in_another_language_is_not_sorted_and_says_why(text, alice, bob, categories, client):
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject=text, description=text, by=alice
    )
    Ticket.objects.filter(pk=ticket.pk).update(sentiment_score=0.9)  # by an earlier bundle
    assert services.annotate(ticket.pk)
    ticket.refresh_from_db()
    assert (ticket.category, ticket.sentiment_score) == (None, None)
    predictions = queries.find_predictions(bob, ticket)
    assert (predictions.state, predictions.sentiment) == ("classified", None)
    assert predictions.is_other_language
    client.force_login(bob)
    page = client.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert "The language of this text was not recognised." in page
    assert "the models were measured on other languages only (English" in page
    assert "Compared by words and by what helped on similar tickets only" in page
