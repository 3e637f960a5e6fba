"""Solved tickets that no article answers are found, written for, or dismissed."""

from collections.abc import Callable

import numpy as np
import pytest

from appliance.accounts.models import Team
from appliance.core.errors import ForbiddenError
from appliance.knowledge import services as knowledge_services
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage import gaps, services
from appliance.triage.clusters import cluster, typical_words
from appliance.triage.models import Gap, Suggestion

ASKED = "The badge reader at the boat house door stays red and does not open"


@pytest.fixture
def ask(alice, bob, bundles) -> Callable[..., Ticket]:
    """A ticket that asks about the badge reader, solved without an article."""

    def ask(n: int, said: str = ASKED) -> Ticket:
        made = tickets_services.create_ticket(
            customer=alice.customer, subject=said, description=f"Since {n} o'clock.", by=bob
        )
        tickets_services.reply(ticket=made, by=bob, body="Hold it twice.", status=Status.SOLVED)
        services.annotate(made.pk)
        return made

    return ask


@pytest.fixture
def three(ask) -> list[Ticket]:
    return [ask(n) for n in range(3)]


def test_what_is_asked_three_times_without_an_article_is_a_gap(three, ask, bob):
    ask(1, "Holiday request form for next summer")
    assert services.find_gaps() == 1
    (gap,) = gaps.list_gaps(bob)
    assert (gap.size, gap.subject) == (3, ASKED)
    assert {"badge", "reader"} & set(gap.words)
    assert {one.ticket for one in gap.examples} == set(three)


def test_looked_for_again_it_keeps_its_number_and_grows(three, ask, bob):
    services.find_gaps()
    (before,) = gaps.list_gaps(bob)
    ask(5)
    services.find_gaps()
    (after,) = gaps.list_gaps(bob)
    assert (after.pk, after.size) == (before.pk, 4)


def test_what_an_article_answers_is_no_gap(three, bob):
    made = knowledge_services.write_article(by=bob, title=ASKED, content=ASKED, status="published")
    services.refresh_article(made.pk)
    assert services.find_gaps() == 0


def test_where_an_article_was_sent_is_no_gap(three, bob):
    made = knowledge_services.write_article(by=bob, title="x", content="y", status="published")
    knowledge_services.link_ticket(article=made, ticket=three[0], by=bob)
    assert services.find_gaps() == 0, "two are not enough"


def test_what_is_dismissed_stays_so_for_tickets_to_come(three, ask, bob):
    services.find_gaps()
    services.dismiss_gap(gap=Gap.objects.get(), by=bob)
    for n in range(3):
        ask(n + 7)
    assert services.find_gaps() == 0
    (gap,) = gaps.list_gaps(bob, dismissed=True)
    services.restore_gap(gap=gap, by=bob)
    assert services.find_gaps() == 1


def test_the_draft_holds_what_was_asked_and_publishing_it_closes_the_gap(three, bob):
    services.find_gaps()
    gap = Gap.objects.get()
    draft = services.write_for_gap(gap=gap, by=bob)
    assert draft.status == "draft" and ASKED in draft.content and "Hold it twice." in draft.content
    assert services.write_for_gap(gap=gap, by=bob) == draft
    assert list(gaps.list_gaps(bob)) == [gap]
    knowledge_services.publish_article(article=draft, by=bob)
    assert list(gaps.list_gaps(bob)) == []
    assert services.find_gaps() == 0


def test_the_tickets_of_a_closed_team_make_a_gap_for_its_members_alone(three, ask, bob, frank):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    for one in three:
        tickets_services.set_team(ticket=one, team=team, by=bob)
    ask(9)
    assert services.find_gaps() == 1
    assert gaps.list_gaps(bob)[0].size == 3
    assert list(gaps.list_gaps(frank)) == []
    draft = services.write_for_gap(gap=Gap.objects.get(), by=bob)
    assert "badge" not in f"{draft.title} {draft.content}", "every agent reads drafts"


def test_who_asks_sees_and_does_nothing(three, alice):
    services.find_gaps()
    assert list(gaps.list_gaps(alice)) == []
    with pytest.raises(ForbiddenError):
        services.dismiss_gap(gap=Gap.objects.get(), by=alice)


def test_articles_agents_refuse_are_called_into_question(three, alice, bob, frank):
    poor = knowledge_services.write_article(by=bob, title="Poor", content="y", status="published")
    sent = knowledge_services.write_article(by=bob, title="Sent", content="y", status="published")
    for one in three:
        services.refuse(ticket=one, article=poor, by=bob)
        Suggestion.objects.create(
            ticket=one, article=sent, rank=1, score=1, state=Suggestion.State.ACCEPTED
        )
    (found,) = gaps.list_low_performing(frank)
    assert (found.article, found.offered, found.accepted, found.refused) == (poor, 3, 0, 3)


def test_rows_far_from_each_other_make_no_cluster():
    assert cluster(np.eye(5, dtype=np.float32), alike=0.5, least=2) == []
    assert cluster(np.empty((0, 5), np.float32), alike=0.5, least=2) == []


def test_each_row_is_in_one_cluster_and_the_largest_comes_first():
    rows = np.repeat(np.eye(3, dtype=np.float32), [2, 4, 1], axis=0)
    assert [sorted(found) for found in cluster(rows, alike=0.9, least=2)] == [[2, 3, 4, 5], [0, 1]]


def test_words_of_everybody_are_not_typical():
    here, others = ["badge reader please"] * 3, ["printer please", "mail please"] * 5
    assert typical_words(here, here + others)[:2] == ["badge", "reader"]
