"""Labels are withheld until enough withheld ones have proven right."""

import pytest

from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import classifier, engine, inference_calls, services
from appliance.triage.models import Correction, Prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def correct(alice, bob, categories):
    """Let Bob choose categories for tickets on which the label "access" was withheld."""

    def correct(right: int, wrong: int, digest: str = "") -> None:
        digest = digest or engine.find_ref("classifier").digest
        for slug in ["access"] * right + ["people"] * wrong:
            ticket = tickets_services.create_ticket(
                customer=alice.customer, subject="Label", description="Look at it.", by=alice
            )
            Prediction.objects.create(
                ticket=ticket,
                kind=Prediction.Kind.CATEGORY,
                withheld_label="access",
                confidence=0.9,
                bundle_digest=digest,
            )
            services.correct_category(ticket=ticket, category=categories[slug], by=bob)

    return correct


def _is_cold_start() -> bool:
    return classifier.is_cold_start(engine.find_ref("classifier"))


def test_new_installation_is_in_a_cold_start(categories):
    assert _is_cold_start()


def test_twenty_right_labels_end_the_cold_start(correct):
    correct(right=19, wrong=0)
    assert _is_cold_start()
    correct(right=1, wrong=0)
    assert not _is_cold_start()


def test_labels_that_are_often_wrong_do_not_end_it(correct):
    correct(right=16, wrong=4)
    assert _is_cold_start()


def test_confirmed_labels_count_as_much_as_chosen_ones(correct, bob, categories):
    correct(right=19, wrong=0)
    ticket = Ticket.objects.latest("pk")
    services.undo_choice(ticket=ticket, category=None, by=bob)
    correct(right=1, wrong=0)
    assert _is_cold_start(), "an undone choice does not count"
    services.confirm_category(ticket=ticket, category=categories["access"], by=bob)
    assert not _is_cold_start()


def test_another_bundle_has_its_own_cold_start(correct):
    correct(right=30, wrong=0, digest="of an older one")
    assert _is_cold_start()


def test_only_the_latest_correction_of_a_ticket_counts(correct, bob, categories):
    correct(right=30, wrong=0)
    for correction in Correction.objects.all()[:5]:
        services.correct_category(ticket=correction.ticket, category=categories["people"], by=bob)
    assert _is_cold_start()


def test_withheld_label_is_stored_and_not_predicted(ticket, categories, monkeypatch):
    _withhold(monkeypatch, "access")
    services.annotate(ticket.pk)
    ticket.refresh_from_db()
    prediction = Prediction.objects.get(ticket=ticket, kind=Prediction.Kind.CATEGORY)
    assert (prediction.label, prediction.withheld_label, ticket.category) == ("", "access", None)


def test_proven_bundle_is_called_without_cold_start(ticket, correct, monkeypatch):
    flags = _withhold(monkeypatch, "access")
    correct(right=30, wrong=0)
    services.annotate(ticket.pk)
    assert flags == [False]


def _withhold(monkeypatch, label: str) -> list[bool]:
    """Withhold every label in a cold start; returns the list of ``cold_start`` arguments."""
    predict, flags = inference_calls.predict, []

    def predict_and_withhold(*args, cold_start: bool = True, **more):
        flags.append(cold_start)
        predictions = predict(*args, cold_start=cold_start, **more)
        if cold_start and predictions.category:
            object.__setattr__(predictions.category, "label", None)
            object.__setattr__(predictions.category, "withheld_label", label)
        return predictions

    monkeypatch.setattr(inference_calls, "predict", predict_and_withhold)
    return flags
