"""Subject, customer, channel and language are corrected, and the event says by whom."""

import pytest
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer
from appliance.core.errors import BadInputError
from appliance.sla import services as sla_services
from appliance.sla.models import SlaTimer
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import Channel, Event, SavedView
from appliance.web import services
from appliance.web.services.anonymisation import anonymise_customer
from appliance.web.templatetags.web import describe_event


@pytest.fixture
def correct(client, bob, ticket):
    """Send the page of corrections as Bob, with some fields changed."""
    client.force_login(bob)
    url = reverse("correct-ticket", args=[ticket.pk])

    def send(**changes):
        form = client.get(url).context["form"]
        values = {field.name: field.initial for field in form}
        hidden = {
            f"initial-{field.name}": field.initial
            for field in form
            if field.field.show_hidden_initial
        }
        response = client.post(url, values | hidden | changes)
        ticket.refresh_from_db()
        return response

    return send


def last_event(ticket) -> str:
    return describe_event(ticket.events.last())


def test_subject_is_corrected_with_an_event(correct, ticket):
    before = ticket.subject
    assert correct(subject="Lamp on ward 3").status_code == 302
    assert ticket.subject == "Lamp on ward 3"
    assert last_event(ticket) == f"changed the subject from {before} to Lamp on ward 3"
    assert ticket.events.last().actor.email == "bob@example.org"


def test_nothing_changed_writes_no_event(correct, ticket):
    count = ticket.events.count()
    assert correct().status_code == 302
    assert ticket.events.count() == count


def test_ticket_moves_to_another_customer_who_alone_reads_it(correct, ticket, alice, carol):
    correct(customer_email="carol@example.org")
    assert ticket.customer == carol.customer
    assert tickets_queries.access_ticket(carol, ticket.pk) == ticket
    assert not ticket.__class__.objects.visible_to(alice).exists()
    assert ticket.events.last().kind == Event.Kind.REQUESTER


def test_secret_link_of_the_previous_customer_is_void(client, bob, dan, alice):
    accounts_services.update_site_settings(by=dan, is_guest_form_open=True)
    guest_ticket, token = services.create_guest_ticket(
        ip_address="127.0.0.1", name="Gus", email="gus@example.org", subject="A", description="B"
    )
    assert client.get(reverse("guest-ticket", args=[token])).status_code == 200
    tickets_services.set_requester(ticket=guest_ticket, customer=alice.customer, by=bob)
    assert client.get(reverse("guest-ticket", args=[token])).status_code == 404


def test_new_customer_is_added_by_name(correct, ticket):
    correct(customer_email="", customer_name="Ward 3")
    assert (ticket.customer.full_name, ticket.customer.email) == ("Ward 3", "")


def test_unknown_address_needs_a_name_and_what_was_typed_stays(correct, ticket):
    response = correct(customer_email="new@example.org", customer_name="", subject="Kept")
    assert response.status_code == 400
    assert "enter the customer&#x27;s name" in response.content.decode()
    assert 'value="Kept"' in response.content.decode()
    assert not Customer.objects.filter(email="new@example.org").exists()


def test_customer_cannot_be_left_empty(correct, ticket, alice):
    response = correct(customer_email="", customer_name="")
    assert response.status_code == 400
    assert ticket.customer == alice.customer


def test_anonymised_customer_is_refused(ticket, bob, dan, carol):
    carol_customer = carol.customer
    anonymise_customer(customer=carol_customer, by=dan, confirmation=carol.email)
    carol_customer.refresh_from_db()
    with pytest.raises(BadInputError, match="anonymised"):
        tickets_services.set_requester(ticket=ticket, customer=carol_customer, by=bob)


def test_change_by_a_colleague_meanwhile_is_not_overwritten(client, correct, ticket, dan):
    url = reverse("correct-ticket", args=[ticket.pk])
    before = ticket.subject
    tickets_services.set_subject(ticket=ticket, subject="Dan's subject", by=dan)
    response = correct(**{"initial-subject": before, "subject": "Bob's subject"})
    assert response.status_code == 400
    assert "Dan" in response.content.decode()
    assert ticket.subject == "Dan's subject"
    assert client.get(url).status_code == 200


def test_customer_cannot_correct_a_ticket(client, ticket, alice):
    client.force_login(alice)
    url = reverse("correct-ticket", args=[ticket.pk])
    assert client.post(url, {"subject": "Mine"}).status_code == 403


def test_anonymising_erases_names_and_subjects_in_events(ticket, bob, dan, alice, carol):
    customer = alice.customer
    tickets_services.set_subject(ticket=ticket, subject="Alice cannot log in", by=bob)
    tickets_services.set_requester(ticket=ticket, customer=carol.customer, by=bob)
    tickets_services.set_requester(ticket=ticket, customer=customer, by=bob)
    anonymise_customer(customer=customer, by=dan, confirmation=alice.email)
    events = ticket.events.filter(kind__in=[Event.Kind.SUBJECT, Event.Kind.REQUESTER])
    assert [set(event.data.values()) for event in events] == [{None}] * 3


def test_sla_follows_the_new_customer(ticket, bob, carol, dan):
    sla_services.add_policy(by=dan, name="VIP", first_response_minutes=30, is_premium=True)
    carol.customer.is_premium = True
    carol.customer.save()
    assert SlaTimer.objects.get(pk=ticket.pk).policy is None
    tickets_services.set_requester(ticket=ticket, customer=carol.customer, by=bob)
    assert SlaTimer.objects.get(pk=ticket.pk).policy.name == "VIP"


# --- channels


def test_channel_is_corrected_and_filtered(correct, ticket, bob):
    correct(channel="walk_in")
    assert last_event(ticket) == "changed the channel from Portal to Walk-in"
    walk_ins = TicketFilter(channel="walk_in").apply(ticket.__class__.objects.all(), bob)
    assert list(walk_ins) == [ticket]
    assert not TicketFilter(channel="phone").apply(ticket.__class__.objects.all(), bob).exists()


def test_agent_says_how_the_customer_reached_the_desk(client, bob):
    client.force_login(bob)
    values = {"subject": "A", "description": "B", "priority": "2", "channel": "walk_in"}
    client.post(reverse("create-ticket"), values | {"customer_name": "Ward 5"})
    assert Event.objects.last().ticket.channel == Channel.WALK_IN


def test_own_ticket_of_an_agent_came_through_the_portal(client, bob):
    client.force_login(bob)
    values = {"subject": "A", "description": "B", "priority": "2", "channel": "phone"}
    client.post(reverse("create-ticket"), values)
    assert Event.objects.last().ticket.channel == Channel.PORTAL


def test_customer_uses_the_portal_whatever_they_send(client, alice):
    client.force_login(alice)
    client.post(reverse("create-ticket"), {"subject": "A", "description": "B", "channel": "phone"})
    assert Event.objects.last().ticket.channel == Channel.PORTAL


# --- languages


def test_language_is_corrected_beside_the_conversation(client, ticket, bob):
    client.force_login(bob)
    values = {"status": "new", "priority": "2", "language": "sv"}
    shown = {f"initial-{name}": value for name, value in (values | {"language": ""}).items()}
    client.post(reverse("update-ticket", args=[ticket.pk]), values | shown)
    ticket.refresh_from_db()
    assert ticket.language == "sv"
    assert last_event(ticket) == "changed the language from none to Swedish"
    stale = client.post(
        reverse("update-ticket", args=[ticket.pk]), values | shown | {"language": "de"}
    )
    assert "Bob changed this to “Swedish” in the meantime" in stale.content.decode()


def test_language_is_filtered_shown_and_exported(client, ticket, bob):
    tickets = ticket.__class__.objects
    tickets.update(language="pl")
    assert list(TicketFilter(language="pl").apply(tickets.all(), bob)) == [ticket]
    assert not TicketFilter(language="none").apply(tickets.all(), bob).exists()
    assert TicketFilter.from_query(TicketFilter(language="pl").as_query()).language == "pl"
    view = SavedView.objects.create(
        owner=bob, name="Polish", filter={"language": "pl"}, columns=["language"]
    )
    client.force_login(bob)
    page = client.get(reverse("dashboard"), {"view": view.pk}).content.decode()
    assert '<td class="t-language" dir="auto">Polish</td>' in page and "Language: Polish" in page
    content = b"".join(client.get(reverse("export-tickets")).streaming_content).decode()
    assert "Language" in content.splitlines()[0] and "Polish" in content


def test_names_of_languages_are_in_the_language_of_the_viewer(client, ticket, bob):
    ticket.__class__.objects.update(language="pl")
    bob.language = "de"
    bob.save()
    client.force_login(bob)
    page = client.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert '<option value="pl" selected>Polnisch</option>' in page


def test_channel_is_exported(client, bob, ticket):
    client.force_login(bob)
    content = b"".join(client.get(reverse("export-tickets")).streaming_content).decode()
    assert "Channel" in content.splitlines()[0]
    assert "Portal" in content
