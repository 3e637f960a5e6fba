"""Articles that helped on earlier tickets rank higher, dismissed ones lower."""

import pytest
from django.core.cache import cache as stored

from appliance.accounts.models import Team
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage import services
from appliance.triage.matching import gather_evidence
from appliance.triage.models import Suggestion
from appliance.triage.queries import list_similar_tickets
from appliance.triage.suggestions import list_suggestions, suggest_for_text

pytestmark = pytest.mark.usefixtures("bundles")
AGAIN = ("Blank pages from the ward printer", "All pages of it come out empty today.")


@pytest.fixture
def right(bob) -> Article:
    """The article that ranks first by its text alone."""
    return publish(bob, "Printer prints blank pages", "Blank pages: the toner is sealed.")


@pytest.fixture
def unlike(bob) -> Article:
    """The article that really helps, though its text does not match."""
    return publish(bob, "Firmware of March", "Hold both keys for ten seconds, then update.")


@pytest.fixture
def second(bob) -> Article:
    """An article that is near, too."""
    return publish(
        bob, "Empty pages come out", "Every page of the printer is empty: see the toner."
    )


def publish(bob, title: str, content: str) -> Article:
    article = knowledge_services.write_article(
        by=bob, title=title, content=content, status="published"
    )
    services.refresh_article(article.pk)
    return article


def create_solved_ticket(customer, bob, article: Article, *, n: int = 0) -> Ticket:
    """Create an earlier ticket like Alice's, on which this article was sent."""
    ticket = tickets_services.create_ticket(
        customer=customer, subject=AGAIN[0], description=f"{AGAIN[1]} Case {n}.", by=bob
    )
    tickets_services.reply(
        ticket=ticket, by=bob, body=f"See /articles/{article.pk}/.", status=Status.SOLVED
    )
    services.annotate(ticket.pk)
    return ticket


def suggested(viewer, ticket: Ticket) -> list[Article]:
    stored.delete_pattern("*")
    return [hit.article for hit in list_suggestions(viewer, ticket)]


@pytest.fixture
def annotated(ticket) -> Ticket:
    services.annotate(ticket.pk)
    return ticket


def test_article_sent_on_solved_tickets_ranks_higher(annotated, alice, carol, bob, right, unlike):
    assert suggested(bob, annotated) == [right]
    earlier = [create_solved_ticket(carol.customer, bob, unlike, n=n) for n in range(3)]
    assert suggested(bob, annotated) == [unlike, right]
    best = list_suggestions(bob, annotated)[0]
    assert best.helped == 3 and set(best.tickets) == set(earlier)
    assert best.passage.startswith("Hold both keys")


def test_article_sent_on_open_tickets_is_no_evidence(annotated, carol, bob, right, unlike):
    for n in range(3):
        tickets_services.set_status(
            ticket=create_solved_ticket(carol.customer, bob, unlike, n=n), status="open", by=bob
        )
    assert suggested(bob, annotated) == [right]


def test_customers_see_how_often_an_article_helped_but_no_tickets(
    annotated, alice, carol, bob, unlike
):
    create_solved_ticket(carol.customer, bob, unlike)
    for best in (list_suggestions(alice, annotated)[0], suggest_for_text(alice, *AGAIN)[0]):
        assert (best.article, best.helped, best.tickets) == (unlike, 1, ())


def test_tickets_of_a_closed_team_count_only_for_its_members(
    annotated, alice, carol, bob, frank, right, unlike
):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    for n in range(3):
        tickets_services.set_team(
            ticket=create_solved_ticket(carol.customer, bob, unlike, n=n), team=team, by=bob
        )
    assert suggested(bob, annotated)[0] == unlike
    for viewer in (frank, alice):
        assert suggested(viewer, annotated) == [right]
        assert all(not hit.helped for hit in list_suggestions(viewer, annotated))


def test_draft_that_helped_is_suggested_only_to_agents(annotated, alice, carol, bob, right, unlike):
    create_solved_ticket(carol.customer, bob, unlike)
    knowledge_services.reopen_article(article=unlike, by=bob)
    assert unlike in suggested(bob, annotated)
    assert suggested(alice, annotated) == [right]


def test_evidence_takes_few_queries(
    annotated, carol, bob, right, unlike, django_assert_num_queries
):
    create_solved_ticket(carol.customer, bob, unlike)
    vector = annotated.vectors.get()
    with django_assert_num_queries(10):  # two settings, closed teams, and words of all: it is small
        evidence = gather_evidence(bob, "the lighthouse", vector.vector, vector.space, annotated.pk)
    assert [neighbour.helped for neighbour in evidence.neighbours] == [{unlike.pk}]


def test_dismissed_article_is_not_suggested_again_on_that_ticket(annotated, alice, bob, right):
    services.dismiss_suggestion(ticket=annotated, article=right, by=bob)
    assert suggested(bob, annotated) == suggested(alice, annotated) == []
    services.undo_dismissal(ticket=annotated, article=right, by=bob)
    assert suggested(bob, annotated) == [right]


def test_article_dismissed_on_similar_tickets_ranks_lower(annotated, carol, bob, right, unlike):
    for n in range(6):
        services.dismiss_suggestion(
            ticket=create_solved_ticket(carol.customer, bob, unlike, n=n), article=right, by=bob
        )
    hits = list_suggestions(bob, annotated)
    assert [hit.article for hit in hits] == [unlike, right]
    Suggestion.objects.all().delete()
    stored.delete_pattern("*")
    assert list_suggestions(bob, annotated)[1].score > hits[1].score


def test_similar_ticket_names_the_article_that_solved_it(annotated, carol, bob, right, unlike):
    similar = create_solved_ticket(carol.customer, bob, unlike)
    knowledge_services.link_ticket(article=right, ticket=similar, by=bob)
    (near,) = list_similar_tickets(bob, annotated)
    assert (near.ticket, near.article) == (similar, unlike), "a sent article precedes a linked one"
    tickets_services.set_status(ticket=similar, status=Status.OPEN, by=bob)
    assert list_similar_tickets(bob, annotated)[0].article is None


def test_shown_suggestions_are_recorded_once(annotated, alice, bob, right, second):
    shown = list_suggestions(bob, annotated)
    assert services.record_shown_suggestions(ticket=annotated, shown=shown, to=bob) == 2
    assert services.record_shown_suggestions(ticket=annotated, shown=shown, to=bob) == 0
    assert services.record_shown_suggestions(ticket=annotated, shown=shown, to=alice) == 0
    best, other = Suggestion.objects.order_by("rank")
    assert (best.state, other.rank, {best.article, other.article}) == ("shown", 2, {right, second})
    assert best.why["closeness"] > other.why["closeness"]
    assert best.bundle_digest


def test_article_sent_is_inserted_and_one_in_a_note_is_not(annotated, bob, right, second):
    services.record_shown_suggestions(
        ticket=annotated, shown=list_suggestions(bob, annotated), to=bob
    )
    tickets_services.add_note(ticket=annotated, by=bob, body=f"Perhaps /articles/{second.pk}/?")
    tickets_services.reply(ticket=annotated, by=bob, body=f"Please read /articles/{right.pk}/.")
    states = dict(Suggestion.objects.values_list("article", "state"))
    assert states == {right.pk: "inserted", second.pk: "shown"}
    assert Suggestion.objects.get(article=right).by == bob


def test_customer_cannot_insert_or_dismiss(annotated, alice, bob, right):
    services.record_shown_suggestions(
        ticket=annotated, shown=list_suggestions(bob, annotated), to=bob
    )
    tickets_services.reply(
        ticket=annotated, by=alice, body=f"I read /articles/{right.pk}/ already."
    )
    with pytest.raises(Exception, match="Only agents"):
        services.dismiss_suggestion(ticket=annotated, article=right, by=alice)
    assert Suggestion.objects.get().state == "shown"


@pytest.mark.parametrize("text", ["zzzqqq xylofon wrqtk", "goulash recipe for ten people"])
def test_text_about_something_else_has_no_suggestion(text, alice, bob):
    outbox = publish(bob, "Mail is not sent", "Nothing leaves the outbox? Restart the mail client.")
    assert suggest_for_text(alice, text, "") == []
    assert [hit.article for hit in suggest_for_text(alice, "My mail stays in the outbox", "")] == [
        outbox
    ]


def test_word_that_says_nothing_is_no_reason(alice, bob):
    publish(bob, "Outbox", "Nothing leaves the outbox? Restart the mail client.")
    [hit] = suggest_for_text(alice, "Nothing leaves my outbox, mail stays there", "")
    assert set(hit.words) == {"outbox", "mail"}
