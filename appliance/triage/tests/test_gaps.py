"""Gaps in the knowledge base are detected, drafted for, or dismissed."""

from collections.abc import Callable

import numpy as np
import pytest

from appliance.accounts.models import Team
from appliance.core.errors import ForbiddenError
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage import gaps, services
from appliance.triage.clusters import cluster, typical_words
from appliance.triage.models import Gap, Suggestion

QUESTION = "The badge reader at the boat house door stays red and does not open"


@pytest.fixture
def ask(alice, bob, bundles) -> Callable[..., Ticket]:
    """Create a ticket about the badge reader, solved without an article."""

    def ask(n: int, subject: str = QUESTION) -> Ticket:
        ticket = tickets_services.create_ticket(
            customer=alice.customer, subject=subject, description=f"Since {n} o'clock.", by=bob
        )
        tickets_services.reply(ticket=ticket, by=bob, body="Hold it twice.", status=Status.SOLVED)
        services.annotate(ticket.pk)
        return ticket

    return ask


@pytest.fixture
def three(ask) -> list[Ticket]:
    return [ask(n) for n in range(3)]


def test_three_similar_tickets_without_an_article_are_a_gap(three, ask, bob):
    ask(1, "Holiday request form for next summer")
    assert services.detect_gaps() == 1
    (gap,) = gaps.list_gaps(bob)
    assert (gap.size, gap.subject) == (3, QUESTION)
    assert {"badge", "reader"} & set(gap.words)
    assert {member.ticket for member in gap.examples} == set(three)


def test_gap_detected_again_keeps_its_id_and_grows(three, ask, bob):
    services.detect_gaps()
    (before,) = gaps.list_gaps(bob)
    ask(5)
    services.detect_gaps()
    (after,) = gaps.list_gaps(bob)
    assert (after.pk, after.size) == (before.pk, 4)


def test_question_an_article_answers_is_no_gap(three, bob):
    article = knowledge_services.write_article(
        by=bob, title=QUESTION, content=QUESTION, status="published"
    )
    services.refresh_article(article.pk)
    assert services.detect_gaps() == 0


def test_ticket_with_an_article_is_in_no_gap(three, bob):
    article = knowledge_services.write_article(by=bob, title="x", content="y", status="published")
    knowledge_services.link_ticket(article=article, ticket=three[0], by=bob)
    assert services.detect_gaps() == 0, "two are not enough"


def test_dismissed_gap_stays_dismissed_for_later_tickets(three, ask, bob):
    services.detect_gaps()
    services.dismiss_gap(gap=Gap.objects.get(), by=bob)
    for n in range(3):
        ask(n + 7)
    assert services.detect_gaps() == 0
    (gap,) = gaps.list_gaps(bob, dismissed=True)
    services.restore_gap(gap=gap, by=bob)
    assert services.detect_gaps() == 1


def test_draft_holds_the_requests_and_publishing_it_closes_the_gap(three, bob):
    services.detect_gaps()
    gap = Gap.objects.get()
    draft = services.draft_article(gap=gap, by=bob)
    assert (
        draft.status == "draft" and QUESTION in draft.content and "Hold it twice." in draft.content
    )
    assert services.draft_article(gap=gap, by=bob) == draft
    assert list(gaps.list_gaps(bob)) == [gap]
    knowledge_services.publish_article(article=draft, by=bob)
    assert list(gaps.list_gaps(bob)) == []
    assert services.detect_gaps() == 0


def test_gaps_are_detected_for_each_language_apart(three, ask, bob):
    ask(5)
    Ticket.objects.update(language="en")
    Ticket.objects.filter(pk=three[0].pk).update(language="de")
    assert services.detect_gaps() == 1
    (gap,) = gaps.list_gaps(bob)
    assert (gap.size, gap.language, gap.translation_of) == (3, "en", None)
    assert services.draft_article(gap=gap, by=bob).language == "en"


@pytest.fixture
def answer(three, bob) -> Article:
    """An English article that was sent on three German tickets."""
    article = knowledge_services.write_article(
        by=bob, title="Open the boat house", content="…", language="en", status="published"
    )
    for ticket in three:
        knowledge_services.link_ticket(article=article, ticket=ticket, by=bob)
    Ticket.objects.update(language="de")
    return article


def test_answer_in_another_language_is_a_missing_translation(answer, bob):
    assert services.detect_gaps() == 1
    (gap,) = gaps.list_gaps(bob)
    assert (gap.size, gap.language, gap.translation_of) == (3, "de", answer)
    assert gap.subject == answer.title


def test_nearest_answer_in_another_language_is_a_missing_translation(three, bob):
    article = knowledge_services.write_article(
        by=bob, title=QUESTION, content=QUESTION, language="en", status="published"
    )
    services.refresh_article(article.pk)
    Ticket.objects.update(language="de")
    services.detect_gaps()
    assert [gap.translation_of for gap in gaps.list_gaps(bob)] == [article]


def test_translation_closes_the_gap(answer, bob):
    services.detect_gaps()
    translation = knowledge_services.write_translation(
        original=answer, by=bob, title="Bootshaus öffnen", content="…", language="de"
    )
    assert services.detect_gaps() == 1, "a draft is not enough"
    knowledge_services.publish_article(article=translation, by=bob)
    assert services.detect_gaps() == 0


def test_dismissed_translation_stays_dismissed(answer, ask, bob):
    services.detect_gaps()
    services.dismiss_gap(gap=Gap.objects.get(), by=bob)
    for n in range(3):
        knowledge_services.link_ticket(article=answer, ticket=ask(n + 7), by=bob)
    Ticket.objects.update(language="de")
    assert services.detect_gaps() == 0


def test_gap_of_a_closed_team_is_visible_only_to_its_members(three, ask, bob, frank):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    for ticket in three:
        tickets_services.set_team(ticket=ticket, team=team, by=bob)
    ask(9)
    assert services.detect_gaps() == 1
    assert gaps.list_gaps(bob)[0].size == 3
    assert list(gaps.list_gaps(frank)) == []
    draft = services.draft_article(gap=Gap.objects.get(), by=bob)
    assert "badge" not in f"{draft.title} {draft.content}", "every agent may read drafts"


def test_customer_sees_and_dismisses_no_gap(three, alice):
    services.detect_gaps()
    assert list(gaps.list_gaps(alice)) == []
    with pytest.raises(ForbiddenError):
        services.dismiss_gap(gap=Gap.objects.get(), by=alice)


def test_dismissed_article_is_low_performing(three, alice, bob, frank):
    poor = knowledge_services.write_article(by=bob, title="Poor", content="y", status="published")
    sent = knowledge_services.write_article(by=bob, title="Sent", content="y", status="published")
    for ticket in three:
        services.dismiss_suggestion(ticket=ticket, article=poor, by=bob)
        Suggestion.objects.create(
            ticket=ticket, article=sent, rank=1, score=1, state=Suggestion.State.INSERTED
        )
    (row,) = gaps.list_low_performing(frank)
    assert (row.article, row.shown, row.inserted, row.dismissed) == (poor, 3, 0, 3)


def test_distant_rows_form_no_cluster():
    assert cluster(np.eye(5, dtype=np.float32), min_cosine=0.5, min_size=2) == []
    assert cluster(np.empty((0, 5), np.float32), min_cosine=0.5, min_size=2) == []


def test_each_row_is_in_one_cluster_and_the_largest_comes_first():
    rows = np.repeat(np.eye(3, dtype=np.float32), [2, 4, 1], axis=0)
    assert [sorted(members) for members in cluster(rows, min_cosine=0.9, min_size=2)] == [
        [2, 3, 4, 5],
        [0, 1],
    ]


def test_words_of_all_texts_are_not_typical():
    texts, others = ["badge reader please"] * 3, ["printer please", "mail please"] * 5
    assert typical_words(texts, texts + others)[:2] == ["badge", "reader"]
