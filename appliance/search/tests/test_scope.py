"""Nobody finds what they may not see, by no way of searching, nor learns that it is there."""

import pytest

from appliance.accounts.models import Team
from appliance.search.filters import SearchFilters
from appliance.search.queries import search, suggest
from appliance.search.services import update_vocabulary
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket

WAYS = ["fuser unit", "fusers", '"fuser unit"', "fuserr unit", "svc-mail01", "0x8004de80"]
NOTE = "Swapped the fuser unit. Account svc-mail01 said 0x8004de80."


@pytest.fixture
def noted(ticket, bob) -> Ticket:
    tickets_services.add_note(ticket=ticket, by=bob, body=NOTE)
    return ticket


@pytest.fixture
def answered(ticket, bob) -> Ticket:
    tickets_services.reply(ticket=ticket, by=bob, body=NOTE)
    return ticket


@pytest.mark.parametrize("text", [way for way in WAYS if "rr" not in way])
def test_an_answer_is_found_by_whoever_reads_it(answered, alice, bob, carol, text):
    for viewer in (alice, bob):
        (hit,) = search(viewer, text, kind="tickets").hits
        assert (hit.id, hit.message.body) == (answered.pk, NOTE)
        assert "<mark>" in hit.snippet
    assert search(carol, text).hits == []


@pytest.mark.parametrize("text", WAYS)
def test_a_note_is_found_by_agents_alone(noted, alice, bob, text):
    for hits in (search(alice, text).hits, suggest(alice, text)):
        assert all(hit.message is None and "said" not in hit.matched_by for hit in hits)
        assert "fuser" not in "".join(hit.snippet for hit in hits)
    found = search(bob, text.replace("rr", "r"), kind="tickets").hits
    assert [hit.message.kind for hit in found] == ["note"]


def test_the_tickets_of_a_closed_team_are_found_by_its_agents_alone(answered, bob, frank, dan):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    tickets_services.set_team(ticket=answered, team=team, by=bob)
    for text in ("printer blank", "pritner", "fuser unit", f"SKR-{answered.pk}", "white sheets"):
        results = search(frank, text, kind="tickets")
        assert (results.hits, results.totals["tickets"], results.facets) == ([], 0, [])
        assert suggest(frank, text, kind="tickets") == []
    assert search(frank, "", filters=SearchFilters(status="new")).hits == []
    for viewer in (bob, dan):
        assert search(viewer, "fuser unit").hits[0].id == answered.pk


def test_customers_are_found_by_agents(alice, bob, carol):
    for text in ("alice", "ALICE test", "alice@example.org", "exampl alice"):
        hit = search(bob, text, kind="customers").hits[0]
        assert (hit.kind, hit.id, hit.matched_by[0]) == ("customer", alice.customer.pk, "name")
    assert search(bob, "allice", kind="customers").hits[0].matched_by == ("typo",)
    for viewer in (alice, carol):
        assert search(viewer, "alice", kind="customers").totals["customers"] == 0
        assert suggest(viewer, "alice") == []


def test_whoever_was_made_anonymous_is_not_found(alice, bob):
    customer = alice.customer
    customer.anonymised_at = customer.created_at
    customer.save(update_fields=["anonymised_at"])
    assert search(bob, "alice", kind="customers").hits == []


def test_suggestions_come_by_number_and_by_words_begun(ticket, alice, bob):
    for viewer in (alice, bob):
        for text in (f"SKR-{ticket.pk}", "prin", "printer on wa", "printer blannk"):
            assert suggest(viewer, text)[0].id == ticket.pk
        assert suggest(viewer, "p") == []


def test_a_mistyped_word_is_guessed_where_that_leads_to_something(ticket, alice, bob, carol):
    update_vocabulary(seconds=60)
    for viewer in (alice, bob):
        results = search(viewer, "pritner tonner")
        assert results.did_you_mean == "printer toner"
        assert "typo" in results.hits[0].matched_by
        assert suggest(viewer, "pritner")[0].id == ticket.pk
    results = search(carol, "pritner tonner")
    assert (results.did_you_mean, results.hits) == ("", [])


def test_the_words_of_a_title_are_marked_and_obey_no_markup(alice, bob):
    tickets_services.create_ticket(
        customer=alice.customer, subject="<b>toner</b>", description="empty", by=alice
    )
    (hit,) = search(bob, "toner").hits
    assert hit.marked_title == "&lt;b&gt;<mark>toner</mark>&lt;/b&gt;"


def test_the_parts_of_an_address_are_found(alice, bob):
    made = tickets_services.create_ticket(
        customer=alice.customer,
        subject="No connection",
        description="srv-db02.ward.example does not answer",
        by=alice,
    )
    for text in ("srv-db02", "db02", "ward.example", "srv-db02.ward"):
        assert search(bob, text, kind="tickets").hits[0].id == made.pk
    assert search(bob, "answer -srv-db02", kind="tickets").hits == []


def test_either_word_is_enough_with_or_between(ticket, bob):
    assert "words" in search(bob, "goulash OR printer").hits[0].matched_by


def test_what_shall_not_be_there_is_not(ticket, bob):
    assert all("words" not in hit.matched_by for hit in search(bob, "printer -toner").hits)
