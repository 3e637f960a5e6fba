"""What helped on earlier tickets speaks for an article, and what was refused against it."""

import pytest
from django.core.cache import cache as stored

from appliance.accounts.models import Team
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage import services
from appliance.triage.matching import gather
from appliance.triage.models import Suggestion
from appliance.triage.queries import list_similar_tickets
from appliance.triage.suggestions import list_suggestions, suggest_for_text

pytestmark = pytest.mark.usefixtures("bundles")
AGAIN = ("Blank pages from the ward printer", "All pages of it come out empty today.")


@pytest.fixture
def right(bob) -> Article:
    """By its words alone it would come first."""
    return written(bob, "Printer prints blank pages", "Blank pages: the toner is sealed.")


@pytest.fixture
def unlike(bob) -> Article:
    """What really helps, though it does not say so."""
    return written(bob, "Firmware of March", "Hold both keys for ten seconds, then update.")


def written(bob, title: str, content: str) -> Article:
    made = knowledge_services.write_article(
        by=bob, title=title, content=content, status="published"
    )
    services.refresh_article(made.pk)
    return made


def solved(customer, bob, article: Article, *, n: int = 0) -> Ticket:
    """An earlier ticket like Alice's, on which this article was sent."""
    made = tickets_services.create_ticket(
        customer=customer, subject=AGAIN[0], description=f"{AGAIN[1]} Case {n}.", by=bob
    )
    tickets_services.reply(
        ticket=made, by=bob, body=f"See /articles/{article.pk}/.", status=Status.SOLVED
    )
    services.annotate(made.pk)
    return made


def articles(viewer, ticket: Ticket) -> list[Article]:
    stored.delete_pattern("*")
    return [one.article for one in list_suggestions(viewer, ticket)]


@pytest.fixture
def read(ticket) -> Ticket:
    services.annotate(ticket.pk)
    return ticket


def test_what_was_sent_on_solved_tickets_changes_the_order(read, alice, carol, bob, right, unlike):
    assert articles(bob, read) == [right, unlike]
    earlier = [solved(carol.customer, bob, unlike, n=n) for n in range(3)]
    assert articles(bob, read) == [unlike, right]
    best = list_suggestions(bob, read)[0]
    assert best.helped == 3 and set(best.tickets) == set(earlier)
    assert best.passage.startswith("Hold both keys")


def test_what_was_sent_on_a_ticket_that_is_open_still_says_nothing(read, carol, bob, right, unlike):
    for n in range(3):
        tickets_services.set_status(
            ticket=solved(carol.customer, bob, unlike, n=n), status="open", by=bob
        )
    assert articles(bob, read) == [right, unlike]


def test_customers_are_told_how_often_it_helped_and_not_whom(read, alice, carol, bob, unlike):
    solved(carol.customer, bob, unlike)
    for best in (list_suggestions(alice, read)[0], suggest_for_text(alice, *AGAIN)[0]):
        assert (best.article, best.helped, best.tickets) == (unlike, 1, ())


def test_tickets_of_a_closed_team_vote_for_its_members_alone(
    read, alice, carol, bob, frank, right, unlike
):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    for n in range(3):
        tickets_services.set_team(
            ticket=solved(carol.customer, bob, unlike, n=n), team=team, by=bob
        )
    assert articles(bob, read)[0] == unlike
    for viewer in (frank, alice):
        assert articles(viewer, read) == [right, unlike]
        assert all(not one.helped for one in list_suggestions(viewer, read))


def test_a_draft_is_voted_for_among_agents_alone(read, alice, carol, bob, right, unlike):
    solved(carol.customer, bob, unlike)
    knowledge_services.reopen_article(article=unlike, by=bob)
    assert unlike in articles(bob, read)
    assert articles(alice, read) == [right]


def test_evidence_takes_few_queries(read, carol, bob, right, unlike, django_assert_num_queries):
    solved(carol.customer, bob, unlike)
    vector = read.vectors.get()
    with django_assert_num_queries(8):  # two settings, closed teams, and words of all: it is small
        found = gather(bob, "the lighthouse", vector.vector, vector.space, read.pk)
    assert [voter.helped for voter in found.neighbours] == [{unlike.pk}]


def test_what_is_refused_does_not_come_back_on_that_ticket(read, alice, bob, right, unlike):
    services.refuse(ticket=read, article=right, by=bob)
    assert articles(bob, read) == articles(alice, read) == [unlike]
    services.undo_dismissal(ticket=read, article=right, by=bob)
    assert articles(bob, read) == [right, unlike]


def test_what_is_refused_on_tickets_alike_sinks_on_the_next(read, carol, bob, right, unlike):
    for n in range(6):
        services.refuse(ticket=solved(carol.customer, bob, unlike, n=n), article=right, by=bob)
    with_votes = list_suggestions(bob, read)
    assert [one.article for one in with_votes] == [unlike, right]
    Suggestion.objects.all().delete()
    stored.delete_pattern("*")
    assert list_suggestions(bob, read)[1].score > with_votes[1].score


def test_a_similar_ticket_says_which_article_solved_it(read, carol, bob, right, unlike):
    one = solved(carol.customer, bob, unlike)
    knowledge_services.link_ticket(article=right, ticket=one, by=bob)
    (near,) = list_similar_tickets(bob, read)
    assert (near.ticket, near.article) == (one, unlike), "what was sent counts most"
    tickets_services.set_status(ticket=one, status=Status.OPEN, by=bob)
    assert list_similar_tickets(bob, read)[0].article is None


def test_what_is_shown_to_an_agent_is_remembered_once(read, alice, bob, right, unlike):
    shown = list_suggestions(bob, read)
    assert services.record_shown_suggestions(ticket=read, shown=shown, to=bob) == 2
    assert services.record_shown_suggestions(ticket=read, shown=shown, to=bob) == 0
    assert services.record_shown_suggestions(ticket=read, shown=shown, to=alice) == 0
    first, second = Suggestion.objects.order_by("rank")
    assert (first.article, first.state, second.rank) == (right, "offered", 2)
    assert first.why["closeness"] > second.why["closeness"]
    assert first.bundle_digest


def test_what_is_sent_was_accepted_and_what_is_only_noted_was_not(read, bob, right, unlike):
    services.record_shown_suggestions(ticket=read, shown=list_suggestions(bob, read), to=bob)
    tickets_services.add_note(ticket=read, by=bob, body=f"Perhaps /articles/{unlike.pk}/?")
    tickets_services.reply(ticket=read, by=bob, body=f"Please read /articles/{right.pk}/.")
    said = dict(Suggestion.objects.values_list("article", "state"))
    assert said == {right.pk: "accepted", unlike.pk: "offered"}
    assert Suggestion.objects.get(article=right).by == bob


def test_who_asks_cannot_accept_or_refuse(read, alice, bob, right):
    services.record_shown_suggestions(ticket=read, shown=list_suggestions(bob, read), to=bob)
    tickets_services.reply(ticket=read, by=alice, body=f"I read /articles/{right.pk}/ already.")
    with pytest.raises(Exception, match="Only agents"):
        services.refuse(ticket=read, article=right, by=alice)
    assert Suggestion.objects.get().state == "offered"
