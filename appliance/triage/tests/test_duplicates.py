"""Probable duplicates among the tickets of a customer."""

import numpy as np
import pytest

from appliance.accounts.models import Team
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage import services, suggestions
from appliance.triage.models import TicketVector
from appliance.triage.suggestions import list_probable_duplicates

AGAIN = ("The printer on ward 3 prints blank pages", "Every page comes out empty since morning.")


@pytest.fixture(autouse=True)
def _annotated(ticket):
    services.catch_up()


def duplicates(viewer, customer, *words: str) -> list[Ticket]:
    return [near.ticket for near in list_probable_duplicates(viewer, customer, *words)]


def test_same_question_of_the_same_customer_is_a_duplicate(ticket, alice, bob):
    assert duplicates(alice, alice.customer, *AGAIN) == [ticket]
    assert duplicates(bob, alice.customer, *AGAIN) == [ticket]


def test_same_question_in_another_language_is_a_duplicate(ticket, alice, monkeypatch):
    vector = TicketVector.objects.get(ticket=ticket)
    monkeypatch.setattr(
        suggestions, "find_query_vector", lambda _: (np.array(vector.vector), vector.space)
    )
    words = (
        "Drucker auf Station 3 druckt leere Seiten",
        "Seit heute früh kommt alles leer heraus.",
    )
    assert duplicates(alice, alice.customer, *words) == [ticket]


def test_agent_sees_the_same_question_of_others_after_that_of_the_customer(
    ticket, alice, carol, bob, dan
):
    closed = Team.objects.create(name="Personnel", is_closed=True)
    hers = tickets_services.create_ticket(
        customer=carol.customer, subject=AGAIN[0], description=AGAIN[1], by=carol
    )
    services.catch_up()
    assert duplicates(bob, alice.customer, *AGAIN) == [ticket, hers]
    assert duplicates(bob, carol.customer, *AGAIN) == [hers, ticket]
    assert {*duplicates(bob, None, *AGAIN)} == {hers, ticket}
    assert duplicates(alice, alice.customer, *AGAIN) == [ticket]
    tickets_services.set_team(ticket=hers, team=closed, by=dan)
    assert duplicates(bob, alice.customer, *AGAIN) == [ticket]


def test_another_question_is_no_duplicate(alice):
    assert duplicates(alice, alice.customer, "Holiday request", "How do I ask for a day off?") == []


def test_another_customer_sees_no_duplicate(alice, carol):
    assert duplicates(carol, carol.customer, *AGAIN) == []
    assert duplicates(carol, alice.customer, *AGAIN) == []


def test_solved_ticket_is_no_duplicate(ticket, alice, bob):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert duplicates(alice, alice.customer, *AGAIN) == []


def test_unusual_text_has_no_duplicates(alice):
    for text in ("", "a\0b", "\ud800" * 20, "!" * 50):
        assert duplicates(alice, alice.customer, text, text) == []
