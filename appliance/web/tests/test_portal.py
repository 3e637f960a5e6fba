"""What customers see of their own, and of their organisation's."""

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


def subjects(answer) -> list[str]:
    return [ticket.subject for ticket in answer.context["page"].rows]


def test_customer_sees_their_open_tickets_first(as_alice, ticket, bob):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert subjects(as_alice.get(HOME)) == []
    assert subjects(as_alice.get(HOME, {"state": "solved"})) == [ticket.subject]
    assert as_alice.get(HOME).context["counts"] == {"open": 0, "solved": 1, "all": 1}


def test_customer_sees_no_stranger_s_ticket_in_any_list(client, carol, ticket):
    client.force_login(carol)
    for query in ({}, {"state": "all"}, {"text": ticket.subject}, {"text": str(ticket.pk)}):
        assert subjects(client.get(HOME, query)) == []


@pytest.mark.parametrize(
    "text", ["blank pages", "toner", "SKR-{}", "{}", "prints bl", "pritner blank"]
)
def test_customer_finds_a_ticket_by_words_or_number(as_alice, ticket, text):
    found = as_alice.get(HOME, {"state": "all", "text": text.format(ticket.pk)})
    assert subjects(found) == [ticket.subject]


def test_odd_addresses_narrow_nothing(as_alice, ticket):
    odd = {"state": "a\0b", "whose": "x" * 999, "text": "a\0b", "after": "1e9_x", "before": "_"}
    assert as_alice.get(HOME, odd).status_code == 200


def test_colleague_s_ticket_is_shown_as_theirs(client, carol, ward, ticket):
    client.force_login(carol)
    page = client.get(HOME).content.decode()
    assert ticket.subject in page and "Alice Test" in page and "Tickets of Ward 3" in page
    assert subjects(client.get(HOME, {"whose": "mine"})) == []


def test_colleague_reads_and_answers_but_does_not_rate(client, carol, ward, ticket, bob):
    client.force_login(carol)
    assert client.get(reverse("ticket", args=[ticket.pk])).status_code == 200
    client.post(reverse("reply", args=[ticket.pk]), {"body": "Room 4, too."})
    assert ticket.messages.get().is_from_customer
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    answer = client.post(reverse("rate-ticket", args=[ticket.pk]), {"is_good": "yes"})
    assert answer.status_code == 403


def test_colleague_sees_nothing_once_sharing_ends(client, carol, ward, ticket, dan):
    client.force_login(carol)
    accounts_services.change_organisation(
        organisation=ward, by=dan, name=ward.name, note="", shares_tickets=False
    )
    assert subjects(client.get(HOME)) == []
    assert client.get(reverse("ticket", args=[ticket.pk])).status_code == 404


def test_counts_go_with_the_customer_that_is_taken_from_a_log_in(
    as_alice, ticket, alice, dan, django_capture_on_commit_callbacks
):
    assert as_alice.get(HOME).context["counts"]["open"] == 1
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.unlink_customer(customer=alice.customer, by=dan)
    assert as_alice.get(HOME).context["counts"]["open"] == 0


def test_idle_list_of_a_customer_answers_204(as_alice, ticket):
    seen = as_alice.get(HOME).context["generation"]
    assert as_alice.get("/live/", {"since": seen}).status_code == 204


def test_list_of_a_hundred_tickets_asks_no_more_than_one_of_two(
    as_alice, alice, ticket, django_assert_max_num_queries
):
    Ticket.objects.bulk_create(
        Ticket(customer=alice.customer, subject=f"{n}", description="…") for n in range(100)
    )
    as_alice.get(HOME)
    with django_assert_max_num_queries(8):
        as_alice.get(HOME)
