"""Values of custom fields are searched, filtered, shown in lists and exported."""

import csv
import io

import pytest
from django.urls import reverse

from appliance.accounts.models import Team
from appliance.search import queries as search_queries
from appliance.tickets import queries, services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import CustomField, Ticket
from appliance.web.queries import MyTickets

VALUES = {"invoice": "INV-77812", "serial": 4711, "note": "fraud: call back", "day": "2026-12-01"}


@pytest.fixture
def filled(ticket) -> Ticket:
    """Alice's ticket with values; she may see the invoice alone. Some keys look like lookups."""
    kinds = {"invoice": "text", "serial": "number", "note": "text", "day": "date"}
    for key, kind in kinds.items():
        is_public = key == "invoice"
        CustomField.objects.create(
            key=key, label=key.title(), kind=kind, is_for_customers=is_public
        )
    Ticket.objects.filter(pk=ticket.pk).update(fields=VALUES)
    ticket.refresh_from_db()
    return ticket


def hits_of(viewer, text: str) -> list[Ticket]:
    return [hit.object for hit in search_queries.search(viewer, text, kind="tickets").hits]


@pytest.mark.parametrize(
    "text",
    ["INV-77812", "77812", '"INV-77812"', "inv 77812", "printer INV-77812", "4711", "fraud"],
)
def test_agent_finds_a_ticket_by_a_value(filled, bob, text):
    assert hits_of(bob, text) == [filled]
    assert [hit.object for hit in search_queries.suggest(bob, text)] == [filled]


@pytest.mark.parametrize("text", ["serial", "invoice", "day"])
def test_keys_of_fields_are_not_searched(filled, bob, text):
    assert filled.pk not in search_queries.find_ticket_ids(bob, f'"{text}"')


def test_customer_finds_by_the_values_they_may_see_only(filled, alice):
    for text in ("fraud", "4711"):
        assert not search_queries.search(alice, text, kind="tickets").hits
        assert not MyTickets("all", text=text).apply(Ticket.objects.all(), alice).exists()
    for text in ("INV-77812", "77812", '"inv-77812"'):
        assert MyTickets("all", text=text).apply(Ticket.objects.all(), alice).get() == filled
    assert hits_of(alice, "printer blank pages") == [filled]


def test_value_on_a_ticket_of_a_closed_team_is_found_by_its_members_only(filled, bob, frank):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    services.set_team(ticket=filled, team=team, by=bob)
    assert hits_of(bob, "77812") == [filled]
    assert hits_of(frank, "77812") == []
    assert filled not in queries.list_tickets(frank, TicketFilter(field="invoice"))


@pytest.mark.parametrize(
    ("key", "value", "matches"),
    [
        ("invoice", "", True),
        ("invoice", "77812", True),
        ("invoice", "inv-7", True),
        ("invoice", "77813", False),
        ("serial", "4711", True),
        ("serial", "471", False),
        ("day", "2026-12", True),
        ("missing", "", False),
    ],
)
def test_list_is_filtered_by_a_value(filled, bob, key, value, matches):
    filters = TicketFilter(field=key, field_value=value)
    assert (filled in queries.list_tickets(bob, filters)) == matches
    assert TicketFilter.from_query(filters.as_query()) == filters


@pytest.mark.parametrize("key", ["exact", "icontains", "a__b", "room-number", "0"])
def test_key_is_never_read_as_a_lookup(ticket, bob, key):
    Ticket.objects.filter(pk=ticket.pk).update(fields={key: "Blue"})
    for value in ("", "blu"):
        assert ticket in queries.list_tickets(bob, TicketFilter(field=key, field_value=value))


def test_view_shows_and_filters_by_a_field(client, filled, bob):
    client.force_login(bob)
    data = {"name": "Invoices", "sort": "newest", "audience": "own", "columns": ["field:invoice"]}
    data |= {"field": "invoice", "field_value": "778"}
    assert client.post(reverse("add-view"), data).status_code == 302
    view = queries.list_views(bob).get()
    page = client.get(reverse("dashboard"), {"view": view.pk}).content.decode()
    assert "INV-77812" in page and "Invoice" in page


def test_list_is_exported_with_the_values(client, filled, bob):
    Ticket.objects.filter(pk=filled.pk).update(fields=VALUES | {"note": "=HYPERLINK(1)"})
    client.force_login(bob)
    response = client.get(reverse("export-tickets"), {"field": "serial", "field_value": "4711"})
    text = response.getvalue().decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["Ticket number"] == filled.number and row["Invoice"] == "INV-77812"
    assert row["Serial"] == "4711" and row["Day"] == "2026-12-01"
    assert row["Note"] == "'=HYPERLINK(1)"
    response = client.get(reverse("export-tickets"), {"field": "serial", "field_value": "1"})
    assert len(response.getvalue().decode().splitlines()) == 1


def test_export_holds_only_tickets_the_agent_may_see(client, filled, bob, frank):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    services.set_team(ticket=filled, team=team, by=bob)
    client.force_login(frank)
    assert filled.number not in client.get(reverse("export-tickets")).getvalue().decode()


def test_filters_by_field_are_offered_only_where_there_are_fields(client, ticket, bob):
    client.force_login(bob)
    assert 'name="field"' not in client.get(reverse("dashboard")).content.decode()
    page = client.get(reverse("dashboard"), {"field": "removed"}).content.decode()
    assert "removed is not one of the available choices" in page
