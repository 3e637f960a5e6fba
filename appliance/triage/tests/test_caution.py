"""The sorter is careful on a desk until what it held back proves right."""

import pytest

from appliance.tickets import services as tickets_services
from appliance.triage import cold_start, engine, inference_calls, services
from appliance.triage.models import Correction, Prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def judge(alice, bob, categories):
    """So many tickets on which the sorter held "access" back, and what Bob chose for them."""

    def made(right: int, wrong: int, digest: str = "") -> None:
        digest = digest or engine.find_ref("classifier").digest
        for slug in ["access"] * right + ["people"] * wrong:
            asked = tickets_services.create_ticket(
                customer=alice.customer, subject="Label", description="Look at it.", by=alice
            )
            Prediction.objects.create(
                ticket=asked,
                kind=Prediction.Kind.CATEGORY,
                held_back="access",
                confidence=0.9,
                bundle_digest=digest,
            )
            services.correct_category(ticket=asked, category=categories[slug], by=bob)

    return made


def _is_careful() -> bool:
    return cold_start.is_active(engine.find_ref("classifier"))


def test_a_new_desk_is_treated_carefully(categories):
    assert _is_careful()


def test_thirty_answers_that_were_right_end_it(judge):
    judge(right=29, wrong=0)
    assert _is_careful()
    judge(right=1, wrong=0)
    assert not _is_careful()


def test_answers_that_were_often_wrong_do_not(judge):
    judge(right=25, wrong=5)
    assert _is_careful()


def test_another_bundle_has_to_prove_itself_again(judge):
    judge(right=30, wrong=0, digest="of an older one")
    assert _is_careful()


def test_only_the_last_word_on_a_ticket_counts(judge, bob, categories):
    judge(right=30, wrong=0)
    for correction in Correction.objects.all()[:5]:
        services.correct_category(ticket=correction.ticket, category=categories["people"], by=bob)
    assert _is_careful()


def test_what_was_held_back_is_kept_and_not_said(ticket, categories, monkeypatch):
    _hold_back(monkeypatch, "access")
    services.annotate(ticket.pk)
    ticket.refresh_from_db()
    said = Prediction.objects.get(ticket=ticket, kind=Prediction.Kind.CATEGORY)
    assert (said.label, said.held_back, ticket.category) == ("", "access", None)


def test_a_proven_bundle_is_asked_without_caution(ticket, judge, monkeypatch):
    asked = _hold_back(monkeypatch, "access")
    judge(right=30, wrong=0)
    services.annotate(ticket.pk)
    assert asked == [False]


def _hold_back(monkeypatch, label: str) -> list[bool]:
    """Every careful answer is held back; returns the list of how it was asked."""
    ask, asked = inference_calls.ask, []

    def ask_carefully(*args, careful: bool = True):
        asked.append(careful)
        answers = ask(*args, careful=careful)
        if careful and answers.category:
            object.__setattr__(answers.category, "label", None)
            object.__setattr__(answers.category, "withheld_label", label)
        return answers

    monkeypatch.setattr(inference_calls, "ask", ask_carefully)
    return asked
