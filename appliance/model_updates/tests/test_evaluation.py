"""A new bundle is evaluated on own tickets beside the active one."""

import numpy as np
import pytest

from appliance.model_updates import evaluation, statistics
from appliance.model_updates.errors import EXIT_CODES, Step
from appliance.model_updates.tests import tiny_bundles
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, TicketCategory
from appliance.triage import engine
from appliance.triage import services as triage_services


@pytest.fixture
def confirmed_tickets(installation, alice, bob):
    """Ninety tickets whose category Bob chose, with other texts than the example phrases."""
    noise = np.random.default_rng(7)
    for number in range(90):
        slug = tiny_bundles.CATEGORIES[number % 3]
        words = noise.choice(tiny_bundles.WORDS[slug], size=2)
        ticket = tickets_services.create_ticket(
            customer=alice.customer,
            subject=f"{words[0]} number {number}",
            description=f"It is the {words[1]} again",
            by=alice,
        )
        triage_services.correct_category(
            ticket=ticket, category=TicketCategory.objects.get(slug=slug), by=bob
        )


def test_equally_good_bundle_needs_no_approval(apply, publisher, bundle, confirmed_tickets):
    run = apply(publisher.pack(bundle()), accept=())

    assert run.exit_code == 0, run.text
    details = run.steps[8]["details"]["classifier"]
    assert (details["verdict"], details["tickets"], details["chosen"]) == ("as good", 90, 90)
    assert engine.find_ref("classifier").version == "2"


def test_worse_bundle_is_rejected(apply, publisher, bundle, confirmed_tickets):
    weights = tiny_bundles.weights_for("classifier")
    for word in tiny_bundles.WORDS["network"]:  # too few example phrases to notice
        if word != "vpn":
            weights[tiny_bundles.VOCABULARY.index(word)] = [0.0, 0.0, 1.0]

    run = apply(publisher.pack(bundle(weights=weights)))

    assert (run.exit_code, run.needs_approval) == (EXIT_CODES[Step.EVALUATION], "worse")
    assert engine.find_ref("classifier").version == "1"


def test_named_admin_may_accept_a_worse_bundle_with_a_reason(
    apply, publisher, bundle, confirmed_tickets
):
    labels = ["network", "hardware", "access"]

    run = apply(publisher.pack(bundle(labels=labels)), accept=("worse",))

    assert run.exit_code == 0, run.text
    assert "worse accepted by Dan" in run.steps[8]["text"]


def test_encoder_with_equal_vectors_is_worse(apply, publisher, bundle, confirmed_tickets):
    weights = np.random.default_rng(3).normal(size=(len(tiny_bundles.VOCABULARY), 384))
    weights[:, :] = weights[:1]  # the same vector for every word

    run = apply(publisher.pack(bundle("encoder", weights=weights)))

    assert (run.exit_code, run.needs_approval) == (EXIT_CODES[Step.EVALUATION], "worse")


def test_sentiment_bundle_with_swapped_labels_is_worse(apply, publisher, bundle):
    run = apply(publisher.pack(bundle("sentiment", labels=["positive", "neutral", "negative"])))

    assert (run.exit_code, run.needs_approval) == (EXIT_CODES[Step.EVALUATION], "worse")


def test_category_an_agent_left_when_solving_is_confirmed(installation, alice, bob):
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="vpn", description="vpn", by=alice
    )
    triage_services.annotate(ticket.pk)
    ticket.refresh_from_db()
    assert ticket.category.slug == "network"
    assert evaluation.list_confirmed_tickets() == []

    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)

    assert [
        (ticket.category, ticket.is_chosen) for ticket in evaluation.list_confirmed_tickets()
    ] == [("network", False)]


def test_few_texts_are_not_enough():
    few = statistics.compare([True] * 10, [True] * 10, ["a"] * 10)

    assert few.verdict == "not enough"


def test_loss_in_one_category_is_worse():
    classes = ["a"] * 200 + ["b"] * 20
    before, after = [True] * 220, [True] * 200 + [False] * 20

    comparison = statistics.compare(before, after, classes)

    assert {part.name: part.verdict for part in comparison.classes} == {
        "a": "as good",
        "b": "worse",
    }
    assert comparison.verdict == "worse"


def test_same_predictions_are_as_good():
    correct = [number % 4 > 0 for number in range(100)]

    assert statistics.compare(correct, correct, ["a"] * 100).verdict == "as good"
