"""Categories the classifier is not sure of are suggested to agents and confirmed by them."""

import pytest

from appliance.accounts.models import Team
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event
from appliance.triage import services
from appliance.triage.category_suggestions import list_category_suggestions
from appliance.triage.models import CategoryLabel, Correction, Prediction

SCORES = [["software", 0.54], ["data", 0.21], ["access", 0.11]]
Source = CategoryLabel.Source


@pytest.fixture
def predict(ticket, categories):
    """Store a prediction for the ticket, and return the ticket."""

    def store(label: str = "", **fields: object):
        Prediction.objects.create(
            ticket=ticket,
            kind=Prediction.Kind.CATEGORY,
            label=label,
            confidence=0.54,
            scores=SCORES,
            **fields,
        )
        if label:
            tickets_services.set_category(ticket=ticket, category=categories[label], by=None)
        return ticket

    return store


def slugs(viewer, ticket) -> list[str]:
    return [suggested.slug for suggested in list_category_suggestions(viewer, ticket)]


def label_of(ticket) -> tuple[str, str]:
    label = CategoryLabel.objects.get(ticket=ticket)
    return label.category.slug, label.source


def test_best_two_are_suggested_to_agents_alone(predict, bob, alice):
    ticket = predict()
    assert slugs(bob, ticket) == ["software", "data"]
    assert slugs(alice, ticket) == []


def test_closed_category_is_not_suggested(predict, categories, bob, dan):
    ticket = predict()
    tickets_services.deactivate_category(category=categories["software"], by=dan)
    assert slugs(bob, ticket) == ["data", "access"]


def test_nothing_is_suggested_for_a_decided_ticket(predict, bob):
    assert slugs(bob, predict("software")) == []


def test_nothing_is_suggested_once_an_agent_cleared_the_category(predict, categories, bob):
    ticket = predict()
    services.correct_category(ticket=ticket, category=categories["access"], by=bob)
    services.correct_category(ticket=ticket, category=None, by=bob)
    assert slugs(bob, ticket) == []


def test_ticket_of_a_closed_team_has_no_suggestions_for_others(predict, bob, dan):
    ticket = predict()
    closed = Team.objects.create(name="Personnel", is_closed=True)
    tickets_services.set_team(ticket=ticket, team=closed, by=dan)
    assert slugs(bob, ticket) == []


def test_confirmed_suggestion_sets_the_category_and_is_a_label(predict, categories, bob):
    ticket = predict()
    services.confirm_category(ticket=ticket, category=categories["software"], by=bob)
    assert ticket.category == categories["software"]
    assert label_of(ticket) == ("software", Source.CONFIRMED)
    assert slugs(bob, ticket) == []


def test_second_suggestion_corrects_the_first(predict, categories, bob):
    ticket = predict()
    services.confirm_category(ticket=ticket, category=categories["data"], by=bob)
    assert label_of(ticket) == ("data", Source.CORRECTED)


def test_decided_category_is_confirmed_once(predict, categories, bob, dan):
    ticket = predict("software")
    for agent in (bob, dan):
        services.confirm_category(ticket=ticket, category=categories["software"], by=agent)
    assert label_of(ticket) == ("software", Source.CONFIRMED)
    assert ticket.events.get(kind=Event.Kind.CONFIRMED).actor == bob
    assert not Correction.objects.exists(), "the classifier was right"


def test_confirmed_category_is_no_longer_changed_by_a_model(ticket, categories, bob):
    classify = {"sentiment_score": 0.0, "bundles": "test", "data": {}}
    tickets_services.record_classification(
        ticket=ticket, category=categories["software"], **classify
    )
    ticket.refresh_from_db()
    services.confirm_category(ticket=ticket, category=categories["software"], by=bob)
    tickets_services.record_classification(ticket=ticket, category=categories["data"], **classify)
    ticket.refresh_from_db()
    assert ticket.category == categories["software"]
    assert tickets_queries.was_category_chosen(ticket)


def test_category_set_by_somebody_else_meanwhile_is_not_overwritten(predict, categories, bob, dan):
    ticket = predict()
    services.correct_category(ticket=ticket, category=categories["access"], by=dan)
    with pytest.raises(BadInputError, match="by now"):
        services.confirm_category(ticket=ticket, category=categories["software"], by=bob)
    assert ticket.category == categories["access"]


def test_closed_category_cannot_be_confirmed(predict, categories, bob, dan):
    ticket = predict()
    tickets_services.deactivate_category(category=categories["software"], by=dan)
    with pytest.raises(BadInputError, match="no longer offered"):
        services.confirm_category(ticket=ticket, category=categories["software"], by=bob)


def test_customer_cannot_confirm_a_category(predict, categories, alice):
    with pytest.raises(ForbiddenError):
        services.confirm_category(ticket=predict(), category=categories["software"], by=alice)


def test_undone_choice_teaches_nothing_and_is_suggested_again(predict, categories, bob):
    ticket = predict(withheld_label="software")
    services.confirm_category(ticket=ticket, category=categories["software"], by=bob)
    services.undo_choice(ticket=ticket, category=None, by=bob)
    assert ticket.category is None
    assert not CategoryLabel.objects.exists() and not Correction.objects.exists()
    assert slugs(bob, ticket) == ["software", "data"]


def test_undo_gives_back_the_label_of_an_earlier_choice(predict, categories, bob, dan):
    ticket = predict()
    services.correct_category(ticket=ticket, category=categories["access"], by=dan)
    services.correct_category(ticket=ticket, category=categories["data"], by=bob)
    services.undo_choice(ticket=ticket, category=categories["access"], by=bob)
    assert label_of(ticket) == ("access", Source.CORRECTED)
    assert Correction.objects.get().by == dan
