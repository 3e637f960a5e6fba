"""What the same customer may have asked already."""

import pytest

from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage import services
from appliance.triage.suggestions import list_probable_duplicates

AGAIN = ("The printer on ward 3 prints blank pages", "Every page comes out empty since morning.")


@pytest.fixture(autouse=True)
def _read(ticket):
    services.catch_up()


def found(viewer, customer, *words: str) -> list[Ticket]:
    return [near.ticket for near in list_probable_duplicates(viewer, customer, *words)]


def test_the_same_question_of_the_same_customer_is_found(ticket, alice, bob):
    assert found(alice, alice.customer, *AGAIN) == [ticket]
    assert found(bob, alice.customer, *AGAIN) == [ticket]


def test_another_question_is_not_taken_for_it(alice):
    assert found(alice, alice.customer, "Holiday request", "How do I ask for a day off?") == []


def test_another_customer_learns_nothing(alice, carol):
    assert found(carol, carol.customer, *AGAIN) == []
    assert found(carol, alice.customer, *AGAIN) == []


def test_what_is_done_is_no_duplicate(ticket, alice, bob):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert found(alice, alice.customer, *AGAIN) == []


def test_odd_text_finds_nothing_and_breaks_nothing(alice):
    for text in ("", "a\0b", "\ud800" * 20, "!" * 50):
        assert found(alice, alice.customer, text, text) == []
