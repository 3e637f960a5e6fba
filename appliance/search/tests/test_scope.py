"""A search returns and reveals only what the viewer may see."""

import pytest

from appliance.accounts.models import Team
from appliance.search.corpora import SearchFilters
from appliance.search.queries import search, suggest
from appliance.search.services import update_vocabulary
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket

TEXTS = ["fuser unit", "fusers", '"fuser unit"', "fuserr unit", "svc-mail01", "0x8004de80"]
NOTE = "Swapped the fuser unit. Account svc-mail01 said 0x8004de80."


@pytest.fixture
def ticket_with_note(ticket, bob) -> Ticket:
    tickets_services.add_note(ticket=ticket, by=bob, body=NOTE)
    return ticket


@pytest.fixture
def ticket_with_reply(ticket, bob) -> Ticket:
    tickets_services.reply(ticket=ticket, by=bob, body=NOTE)
    return ticket


@pytest.mark.parametrize("text", [text for text in TEXTS if "rr" not in text])
def test_reply_is_found_by_those_who_may_read_it(ticket_with_reply, alice, bob, carol, text):
    for viewer in (alice, bob):
        (hit,) = search(viewer, text, kind="tickets").hits
        assert (hit.id, hit.message.body) == (ticket_with_reply.pk, NOTE)
        assert "<mark>" in hit.snippet
    assert search(carol, text).hits == []


@pytest.mark.parametrize("text", TEXTS)
def test_note_is_found_only_by_agents(ticket_with_note, alice, bob, text):
    for hits in (search(alice, text).hits, suggest(alice, text)):
        assert all(hit.message is None and "message" not in hit.matched_by for hit in hits)
        assert "fuser" not in "".join(hit.snippet for hit in hits)
    hits = search(bob, text.replace("rr", "r"), kind="tickets").hits
    assert [hit.message.kind for hit in hits] == ["note"]


def test_tickets_of_a_closed_team_are_found_only_by_its_agents(ticket_with_reply, bob, frank, dan):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    tickets_services.set_team(ticket=ticket_with_reply, team=team, by=bob)
    number = f"SKR-{ticket_with_reply.pk}"
    for text in ("printer blank", "pritner", "fuser unit", number, "white sheets"):
        results = search(frank, text, kind="tickets")
        assert (results.hits, results.totals["tickets"], results.facets) == ([], 0, [])
        assert suggest(frank, text, kind="tickets") == []
    assert search(frank, "", filters=SearchFilters(status="new")).hits == []
    for viewer in (bob, dan):
        assert search(viewer, "fuser unit").hits[0].id == ticket_with_reply.pk


def test_customers_are_found_only_by_agents(alice, bob, carol):
    for text in ("alice", "ALICE test", "alice@example.org", "exampl alice"):
        hit = search(bob, text, kind="customers").hits[0]
        assert (hit.kind, hit.id, hit.matched_by[0]) == ("customer", alice.customer.pk, "name")
    assert search(bob, "allice", kind="customers").hits[0].matched_by == ("typo",)
    for viewer in (alice, carol):
        assert search(viewer, "alice", kind="customers").totals["customers"] == 0
        assert suggest(viewer, "alice") == []


def test_anonymised_customers_are_not_found(alice, bob):
    customer = alice.customer
    customer.anonymised_at = customer.created_at
    customer.save(update_fields=["anonymised_at"])
    assert search(bob, "alice", kind="customers").hits == []


def test_suggestions_match_numbers_and_prefixes(ticket, alice, bob):
    for viewer in (alice, bob):
        for text in (f"SKR-{ticket.pk}", "prin", "printer on wa", "printer blannk"):
            assert suggest(viewer, text)[0].id == ticket.pk
        assert suggest(viewer, "p") == []


def test_did_you_mean_is_shown_only_with_hits_for_the_viewer(ticket, alice, bob, carol):
    update_vocabulary(seconds=60)
    for viewer in (alice, bob):
        results = search(viewer, "pritner tonner")
        assert results.did_you_mean == "printer toner"
        assert "typo" in results.hits[0].matched_by
        assert suggest(viewer, "pritner")[0].id == ticket.pk
    results = search(carol, "pritner tonner")
    assert (results.did_you_mean, results.hits) == ("", [])


def test_title_is_highlighted_and_escaped(alice, bob):
    tickets_services.create_ticket(
        customer=alice.customer, subject="<b>toner</b>", description="empty", by=alice
    )
    (hit,) = search(bob, "toner").hits
    assert hit.marked_title == "&lt;b&gt;<mark>toner</mark>&lt;/b&gt;"


def test_parts_of_an_address_are_found(alice, bob):
    ticket = tickets_services.create_ticket(
        customer=alice.customer,
        subject="No connection",
        description="srv-db02.ward.example does not answer",
        by=alice,
    )
    for text in ("srv-db02", "db02", "ward.example", "srv-db02.ward"):
        assert search(bob, text, kind="tickets").hits[0].id == ticket.pk
    assert search(bob, "answer -srv-db02", kind="tickets").hits == []


def test_or_matches_either_word(ticket, bob):
    assert "words" in search(bob, "goulash OR printer").hits[0].matched_by


def test_excluded_words_do_not_match(ticket, bob):
    assert all("words" not in hit.matched_by for hit in search(bob, "printer -toner").hits)
