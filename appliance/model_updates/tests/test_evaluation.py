"""A new bundle answers the desk's own tickets beside the one that runs."""

import numpy as np
import pytest

from appliance.model_updates import evaluation, statistics
from appliance.model_updates.errors import EXIT_CODES, Step
from appliance.model_updates.tests import tiny
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, TicketCategory
from appliance.triage import engine
from appliance.triage import services as triage_services


@pytest.fixture
def confirmed(desk, alice, bob):
    """Ninety tickets whose category Bob chose; texts no category names as an example."""
    noise = np.random.default_rng(7)
    for number in range(90):
        slug = tiny.CATEGORIES[number % 3]
        words = noise.choice(tiny.WORDS[slug], size=2)
        ticket = tickets_services.create_ticket(
            customer=alice.customer,
            subject=f"{words[0]} number {number}",
            description=f"It is the {words[1]} again",
            by=alice,
        )
        triage_services.correct_category(
            ticket=ticket, category=TicketCategory.objects.get(slug=slug), by=bob
        )


def test_one_that_is_as_good_needs_nobodys_yes(apply, publisher, bundle, confirmed):
    run = apply(publisher.pack(bundle()), accept=())

    assert run.exit_code == 0, run.text
    found = run.steps[8]["found"]["classifier"]
    assert (found["verdict"], found["tickets"], found["chosen"]) == ("as good", 90, 90)
    assert engine.find_ref("classifier").version == "2"


def test_a_signed_one_that_is_simply_worse_is_refused(apply, publisher, bundle, confirmed):
    weights = tiny.weights_for("classifier")
    for word in tiny.WORDS["network"]:  # the phrases of the category give too little to notice
        if word != "vpn":
            weights[tiny.VOCABULARY.index(word)] = [0.0, 0.0, 1.0]

    run = apply(publisher.pack(bundle(weights=weights)))

    assert (run.exit_code, run.asks) == (EXIT_CODES[Step.EVALUATION], "worse")
    assert engine.find_ref("classifier").version == "1"


def test_a_named_admin_may_take_a_worse_one_with_a_reason(apply, publisher, bundle, confirmed):
    labels = ["network", "hardware", "access"]

    run = apply(publisher.pack(bundle(labels=labels)), accept=("worse",))

    assert run.exit_code == 0, run.text
    assert "worse accepted by Dan" in run.steps[8]["text"]


def test_an_encoder_that_mixes_everything_up_is_worse(apply, publisher, bundle, confirmed):
    weights = np.random.default_rng(3).normal(size=(len(tiny.VOCABULARY), 384))
    weights[:, :] = weights[:1]  # every word in one place

    run = apply(publisher.pack(bundle("encoder", weights=weights)))

    assert (run.exit_code, run.asks) == (EXIT_CODES[Step.EVALUATION], "worse")


def test_a_sentiment_reader_with_its_labels_swapped_is_worse(apply, publisher, bundle):
    run = apply(publisher.pack(bundle("sentiment", labels=["positive", "neutral", "negative"])))

    assert (run.exit_code, run.asks) == (EXIT_CODES[Step.EVALUATION], "worse")


def test_what_an_agent_left_standing_is_confirmed_too(desk, alice, bob):
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="vpn", description="vpn", by=alice
    )
    triage_services.annotate(ticket.pk)
    ticket.refresh_from_db()
    assert ticket.category.slug == "network"
    assert evaluation.list_confirmed_tickets() == []

    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)

    assert [(one.category, one.is_chosen) for one in evaluation.list_confirmed_tickets()] == [
        ("network", False)
    ]


def test_few_texts_prove_nothing():
    few = statistics.compare([True] * 10, [True] * 10, ["a"] * 10)

    assert few.verdict == "not enough"


def test_a_loss_in_one_category_is_not_hidden_by_the_others():
    classes = ["a"] * 200 + ["b"] * 20
    before, after = [True] * 220, [True] * 200 + [False] * 20

    found = statistics.compare(before, after, classes)

    assert {part.name: part.verdict for part in found.classes} == {
        "a": "as good",
        "b": "worse",
    }
    assert found.verdict == "worse"


def test_the_same_answers_are_as_good():
    right = [n % 4 > 0 for n in range(100)]

    assert statistics.compare(right, right, ["a"] * 100).verdict == "as good"
