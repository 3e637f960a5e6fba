"""What customers see of their own tickets and of those of their organisation."""

import pytest
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Organisation
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket

HOME = "/"


@pytest.fixture
def as_alice(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def ward(alice, carol) -> Organisation:
    """Alice and Carol belong to one ward, which shares its tickets."""
    ward = Organisation.objects.create(name="Ward 3", shares_tickets=True)
    for person in (alice, carol):
        person.customer.organisation = ward
        person.customer.save()
    return ward


def subjects(response) -> list[str]:
    return [ticket.subject for ticket in response.context["page"].rows]


def test_list_of_a_customer_starts_with_open_tickets(as_alice, ticket, bob):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert subjects(as_alice.get(HOME)) == []
    assert subjects(as_alice.get(HOME, {"state": "solved"})) == [ticket.subject]
    assert as_alice.get(HOME).context["counts"] == {"open": 0, "solved": 1, "all": 1}


def test_customer_cannot_list_tickets_of_another_customer(client, carol, ticket):
    client.force_login(carol)
    for query in ({}, {"state": "all"}, {"text": ticket.subject}, {"text": str(ticket.pk)}):
        assert subjects(client.get(HOME, query)) == []


@pytest.mark.parametrize(
    "text", ["blank pages", "toner", "SKR-{}", "{}", "prints bl", "pritner blank"]
)
def test_customer_finds_a_ticket_by_words_or_number(as_alice, ticket, text):
    response = as_alice.get(HOME, {"state": "all", "text": text.format(ticket.pk)})
    assert subjects(response) == [ticket.subject]


def test_invalid_query_strings_are_ignored(as_alice, ticket):
    query = {"state": "a\0b", "whose": "x" * 999, "text": "a\0b", "after": "1e9_x", "before": "_"}
    assert as_alice.get(HOME, query).status_code == 200


def test_ticket_of_a_colleague_is_shown_with_their_name(client, carol, ward, ticket):
    client.force_login(carol)
    page = client.get(HOME).content.decode()
    assert ticket.subject in page and "Alice Test" in page and "Tickets of Ward 3" in page
    assert subjects(client.get(HOME, {"whose": "mine"})) == []


def test_colleague_can_read_and_reply_but_not_rate(client, carol, ward, ticket, bob):
    client.force_login(carol)
    assert client.get(reverse("ticket", args=[ticket.pk])).status_code == 200
    client.post(reverse("reply", args=[ticket.pk]), {"body": "Room 4, too."})
    assert ticket.messages.get().is_from_customer
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    response = client.post(reverse("rate-ticket", args=[ticket.pk]), {"is_good": "yes"})
    assert response.status_code == 403


def test_colleague_sees_nothing_once_sharing_ends(client, carol, ward, ticket, dan):
    client.force_login(carol)
    accounts_services.change_organisation(
        organisation=ward, by=dan, name=ward.name, note="", shares_tickets=False
    )
    assert subjects(client.get(HOME)) == []
    assert client.get(reverse("ticket", args=[ticket.pk])).status_code == 404


def test_counts_follow_when_the_customer_is_unlinked_from_the_account(
    as_alice, ticket, alice, dan, django_capture_on_commit_callbacks
):
    assert as_alice.get(HOME).context["counts"]["open"] == 1
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.unlink_customer(customer=alice.customer, by=dan)
    assert as_alice.get(HOME).context["counts"]["open"] == 0


def test_poll_without_changes_returns_204(as_alice, ticket):
    generation = as_alice.get(HOME).context["generation"]
    assert as_alice.get("/live/", {"since": generation}).status_code == 204


def test_query_count_does_not_depend_on_the_number_of_tickets(
    as_alice, alice, ticket, django_assert_max_num_queries
):
    Ticket.objects.bulk_create(
        Ticket(customer=alice.customer, subject=f"{n}", description="…") for n in range(100)
    )
    as_alice.get(HOME)
    with django_assert_max_num_queries(8):
        as_alice.get(HOME)
