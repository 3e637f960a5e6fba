"""What solved similar tickets is offered, while they stay solved and to those who may see them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Team
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage import engine, queries, services
from appliance.triage.models import Solution, TicketVector
from appliance.triage.vector_search import iterative_scan
from appliance.web import services as web_services
from tests.query_plans import explain_queries

pytestmark = pytest.mark.usefixtures("bundles")
AGAIN = ("Blank pages from the ward printer", "All pages of it come out empty today.")
STEP = "Pull the orange seal out of the toner cartridge."
ANSWER = f"Hello Carol,\n\n{STEP} Please let us know whether that helps.\n\nKind regards\nBob"


@pytest.fixture
def annotated(ticket) -> Ticket:
    services.annotate(ticket.pk)
    return ticket


@pytest.fixture
def solved(annotated, carol, bob) -> Ticket:
    """A ticket of Carol like Alice's, solved three days ago."""
    return solve(carol.customer, bob)


def solve(customer, bob, body: str = ANSWER, *, days_ago: float = 3, team=None) -> Ticket:
    ticket = tickets_services.create_ticket(
        customer=customer, subject=AGAIN[0], description=AGAIN[1], by=bob
    )
    if team:
        tickets_services.set_team(ticket=ticket, team=team, by=bob)
    at = timezone.now() - timedelta(days=days_ago)
    tickets_services.reply(ticket=ticket, by=bob, body=body, status=Status.SOLVED, at=at)
    services.annotate(ticket.pk)
    return ticket


def offered(viewer, ticket: Ticket) -> list[tuple[Ticket, tuple[str, ...]]]:
    """Let the worker do what is due, and return what the viewer is offered on the ticket."""
    services.extract_solutions()
    own = TicketVector.objects.get(ticket=ticket)
    with iterative_scan():
        solutions = queries.list_solutions(viewer, ticket, own=own)
    return [(solution.ticket, solution.sentences) for solution in solutions]


def settle() -> None:
    """Let the time pass after which a ticket counts as solved for good."""
    Solution.objects.update(due_at=timezone.now())


def test_sentence_that_solved_a_similar_ticket_is_offered_verbatim(annotated, solved, bob):
    assert offered(bob, annotated) == [(solved, (STEP,))]


def test_page_reads_it_with_two_statements(annotated, solved, bob, django_assert_num_queries):
    services.extract_solutions()
    own = TicketVector.objects.get(ticket=annotated)
    queries.list_solutions(bob, annotated, own=own)  # the cache then holds the hidden teams
    with django_assert_num_queries(2):
        assert queries.list_solutions(bob, annotated, own=own)


def test_ticket_solved_today_is_not_offered_yet(annotated, carol, bob):
    solve(carol.customer, bob, days_ago=0)
    assert offered(bob, annotated) == []
    settle()
    assert len(offered(bob, annotated)) == 1


def test_reopened_ticket_drops_out(annotated, solved, carol, bob):
    assert offered(bob, annotated)
    tickets_services.reply(ticket=solved, by=carol, body="It is blank again.")
    assert offered(bob, annotated) == [] and not Solution.objects.exists()
    tickets_services.set_status(ticket=solved, status=Status.SOLVED, by=bob)
    settle()
    assert offered(bob, annotated) == [], "the reply did not solve it"
    tickets_services.set_status(ticket=solved, status=Status.OPEN, by=bob)
    better = "Replace the fuser unit, which leaves every page empty."
    tickets_services.reply(ticket=solved, by=bob, body=better, status=Status.SOLVED)
    settle()
    assert offered(bob, annotated) == [(solved, (better,))]


def test_reply_corrected_later_replaces_the_first(annotated, solved, bob):
    assert offered(bob, annotated)
    better = "Leave the seal where it is and update the printer driver instead."
    tickets_services.reply(ticket=solved, by=bob, body=better)
    assert offered(bob, annotated) == [], "not before the customer could object"
    settle()
    assert offered(bob, annotated) == [(solved, (better,))]


def test_bad_rating_and_merge_drop_out(annotated, solved, alice, carol, bob, dan):
    other = solve(carol.customer, bob, "Set the paper type of the printer to plain paper.")
    assert len(offered(bob, annotated)) == 2
    tickets_services.rate_ticket(ticket=solved, by=carol, is_good=False)
    assert [ticket for ticket, _ in offered(bob, annotated)] == [other]
    target = tickets_services.create_ticket(
        customer=carol.customer, subject="Printer", description="Empty pages", by=bob
    )
    tickets_services.set_status(ticket=other, status=Status.OPEN, by=bob)
    tickets_services.merge_tickets(source=other, target=target, by=dan)
    settle()
    assert offered(bob, annotated) == []


def test_ticket_of_a_closed_team_is_offered_to_its_members_only(annotated, carol, bob, frank):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    secret = solve(carol.customer, bob, team=team)
    assert offered(bob, annotated) == [(secret, (STEP,))]
    assert offered(frank, annotated) == []


def test_customer_is_never_offered_anything(annotated, solved, alice, carol, client):
    services.extract_solutions()
    own = TicketVector.objects.get(ticket=annotated)
    assert queries.list_solutions(alice, annotated, own=own) == []
    assert not Solution.objects.offered_to(carol).exists()
    client.force_login(alice)
    assert STEP not in client.get(f"/tickets/{annotated.pk}/").content.decode()


def test_page_of_an_agent_shows_it_with_a_button_and_a_key(annotated, solved, bob, client):
    services.extract_solutions()
    client.force_login(bob)
    page = client.get(f"/tickets/{annotated.pk}/").content.decode()
    assert f'data-insert-sentence="{STEP}"' in page and 'data-key="b"' in page
    assert solved.number in page
    tickets_services.set_status(ticket=solved, status=Status.OPEN, by=bob)
    assert "Solved before" not in client.get(f"/tickets/{annotated.pk}/").content.decode()


def test_text_of_an_anonymised_customer_is_gone(annotated, solved, carol, bob, dan):
    assert offered(bob, annotated)
    web_services.anonymise_customer(
        customer=carol.customer, by=dan, confirmation=carol.customer.email
    )
    services.schedule_missing_solutions()
    assert not Solution.objects.exclude(sentences=[]).exists()
    assert offered(bob, annotated) == []


def test_sentence_with_the_name_of_anybody_is_not_offered(annotated, alice, carol, bob, frank):
    accounts_services.add_customer(email="z@example.org", first_name="Zoë", last_name="van Dyk")
    accounts_services.ensure_organisation(name="Harbour Clinic")
    body = (
        "Pull the seal of the toner as Dyk did yesterday. "
        "The printer of Harbour clinic needs another toner. "
        "Ask Frank for the key of the printer room. "
        f"{STEP}"
    )
    solved = solve(carol.customer, bob, body)
    assert offered(bob, annotated) == [(solved, (STEP,))]


def test_reply_without_a_solution_offers_nothing(annotated, carol, bob):
    solve(
        carol.customer,
        bob,
        "The new cartridge has been ordered already. Kind regards to all of you",
    )
    assert offered(bob, annotated) == []
    assert Solution.objects.get().extracted_at


def test_unlike_ticket_is_not_offered(annotated, carol, bob):
    ticket = tickets_services.create_ticket(
        customer=carol.customer, subject="Holiday", description="How many days are left?", by=bob
    )
    at = timezone.now() - timedelta(days=3)
    tickets_services.reply(ticket=ticket, by=bob, body=STEP, status=Status.SOLVED, at=at)
    services.annotate(ticket.pk)
    assert offered(bob, annotated) == []


def test_same_sentence_of_two_tickets_is_offered_once(annotated, solved, carol, bob):
    solve(carol.customer, bob)
    assert len(offered(bob, annotated)) == 1


def test_other_language_is_named(annotated, solved, bob):
    Ticket.objects.filter(pk=solved.pk).update(language="de")
    annotated.language = "en"
    services.extract_solutions()
    own = TicketVector.objects.get(ticket=annotated)
    (solution,) = queries.list_solutions(bob, annotated, own=own)
    assert solution.language == "German"


def test_imported_tickets_are_found_at_night(annotated, solved, bob):
    Solution.objects.all().delete()
    assert services.schedule_missing_solutions() == 1
    assert services.schedule_missing_solutions() == 0
    assert offered(bob, annotated) == [(solved, (STEP,))]


def test_change_while_the_sentences_are_chosen_is_not_overwritten(
    annotated, solved, carol, bob, monkeypatch
):
    embed = engine.current().embed

    def reopen_and_embed(text: str, space: str | None = None):
        if solved.status == Status.SOLVED:
            tickets_services.reply(ticket=solved, by=carol, body="It is blank again.")
        return embed(text, space=space)

    monkeypatch.setattr(engine.current(), "embed", reopen_and_embed)
    services.extract_solutions()
    assert not Solution.objects.exists()


def test_ten_thousand_solved_tickets_are_read_by_index(annotated, solved, carol, bob):
    services.extract_solutions()
    own = TicketVector.objects.get(ticket=annotated)
    at = timezone.now()
    tickets = Ticket.objects.bulk_create(
        Ticket(
            customer=carol.customer, subject=f"T{n}", description="x", status="closed", solved_at=at
        )
        for n in range(10_000)
    )
    vectors = _random_vectors(len(tickets))
    TicketVector.objects.bulk_create(
        TicketVector(ticket=ticket, space=own.space, vector=vector, text_sha256="x")
        for ticket, vector in zip(tickets, vectors, strict=True)
    )
    Solution.objects.bulk_create(
        Solution(ticket=ticket, sentences=["Turn it off."], due_at=at, extracted_at=at)
        for ticket in tickets
    )
    services.index_space(own.space)
    _analyse()
    with iterative_scan():
        plan = explain_queries(lambda: queries.list_solutions(bob, annotated, own=own))
        (solution,) = queries.list_solutions(bob, annotated, own=own)
    assert solution.ticket == solved
    assert "ticket_vector_hnsw" in plan and "Seq Scan on triage_solution" not in plan
    assert "solution_due_idx" in explain_queries(lambda: list(Solution.objects.due()[:20]))


def _random_vectors(count: int):
    import numpy as np

    vectors = np.random.default_rng(1).standard_normal((count, 384)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _analyse() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE triage_ticketvector, triage_solution, tickets_ticket")
