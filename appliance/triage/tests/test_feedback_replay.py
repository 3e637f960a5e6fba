"""Past tickets are ranked with and without the votes of older ones."""

import numpy as np
import pytest

from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets.models import Ticket
from appliance.triage import engine, services, suggestions
from appliance.triage.fusion import MEASURED
from appliance.triage.models import DIMENSIONS, Passage, TicketVector

TOPICS = 4


@pytest.fixture
def history(alice, bob, dan, bundles):
    def history(is_telling: bool, count: int = 40) -> None:
        """Create solved tickets on four topics; each article helped on one, or anywhere."""
        space, rng = engine.active_space(), np.random.default_rng(1)
        articles = [
            Article.objects.create(
                title=f"Article {n}", content="x", author=bob, status="published"
            )
            for n in range(TOPICS)
        ]
        for article in articles:  # equally near to all tickets
            vector = np.full(DIMENSIONS, DIMENSIONS**-0.5, np.float32)
            Passage.objects.create(
                article=article, position=0, text="x", space=space, vector=vector
            )
        for number in range(count):
            topic = number % TOPICS
            vector = np.full(DIMENSIONS, 0.02, np.float32)
            vector[topic] = 1.0
            ticket = Ticket.objects.create(
                customer=alice.customer, subject="zz", description="zz", status="solved"
            )
            TicketVector.objects.create(
                ticket=ticket, space=space, vector=vector / np.linalg.norm(vector)
            )
            article = articles[topic if is_telling else rng.integers(TOPICS)]
            ArticleLink.objects.create(ticket=ticket, article=article, how="sent", by=bob)

    return history


def test_votes_stay_on_where_they_rank_better(history):
    history(is_telling=True)
    replay = services.replay_feedback()
    assert replay.verdict == "better" and replay.with_votes > replay.without
    assert suggestions._weights_in_use() == MEASURED


def test_votes_that_say_nothing_are_switched_off(history):
    history(is_telling=False)
    assert services.replay_feedback().verdict == "not better"
    assert suggestions._weights_in_use().votes == 0


def test_few_tickets_change_nothing(history):
    history(is_telling=False, count=10)
    assert services.replay_feedback().verdict == "not enough"
    assert suggestions._weights_in_use() == MEASURED
