"""People on a ticket besides its customer: CC, participants and forwarding, on their pages."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.notifications.models import Forward, OutgoingEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Participant
from appliance.web import services


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


def reply(client, ticket, **more: str):
    data = {"body": "Try now.", "kind": "reply"} | more
    return client.post(reverse("reply", args=[ticket.pk]), data)


def test_cc_of_a_reply_makes_participants(as_bob, ticket):
    reply(as_bob, ticket, cc="Pia Park <pia@example.org>; paul@example.org")
    people = [*ticket.participants.values_list("name", "email")]
    assert people == [("Pia Park", "pia@example.org"), ("", "paul@example.org")]
    assert OutgoingEmail.objects.filter(kind="copy").count() == 2
    page = as_bob.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert "Pia Park &lt;pia@example.org&gt;" in page


def test_wrong_address_is_named_and_the_text_kept(as_bob, ticket):
    page = reply(as_bob, ticket, cc="pia@example.org, paul at home")
    text = page.content.decode()
    assert page.status_code == 400 and "“paul at home” is not an e-mail address" in text
    assert "Try now." in text and not Participant.objects.exists()
    assert not ticket.messages.exists()


def test_customer_cannot_add_anybody(client, ticket, alice):
    client.force_login(alice)
    assert reply(client, ticket, cc="carol@example.org").status_code == 302
    assert not Participant.objects.exists()


def test_customer_of_the_ticket_is_no_participant(bob, ticket):
    people = [("", ticket.customer.email.upper()), ("", "pia@example.org"), ("", "PIA@example.org")]
    tickets_services.add_participants(ticket=ticket, by=bob, people=people)
    assert ticket.participants.count() == 1


def test_participant_is_added_and_removed_in_the_panel(as_bob, ticket):
    as_bob.post(reverse("add-participants", args=[ticket.pk]), {"cc": "pia@example.org"})
    participant = ticket.participants.get()
    as_bob.post(reverse("remove-participant", args=[ticket.pk, participant.pk]))
    assert not ticket.participants.exists()
    events = ticket.events.filter(kind=Event.Kind.PEOPLE)
    assert [event.data["added"] or event.data["removed"] for event in events] == [
        ["pia@example.org"],
        ["pia@example.org"],
    ]


def test_participant_of_another_ticket_is_not_found(as_bob, ticket, carol, bob):
    other = tickets_services.create_ticket(
        customer=carol.customer, subject="s", description="d", by=carol
    )
    [participant] = tickets_services.add_participants(
        ticket=other, by=bob, people=[("", "pia@example.org")]
    )
    path = reverse("remove-participant", args=[ticket.pk, participant.pk])
    assert as_bob.post(path).status_code == 404


def test_page_to_forward_begins_with_the_message(as_bob, ticket, bob):
    message = tickets_services.reply(
        ticket=ticket, by=bob, body="Blank *pages*.", files=[SimpleUploadedFile("a.txt", b"x")]
    )
    path = f"{reverse('forward-ticket', args=[ticket.pk])}?message={message.pk}"
    page = as_bob.get(path).content.decode()
    assert "&gt; Blank pages." in page and "a.txt" in page
    attachment = message.attachments.get()
    data = {"address": "parts@supplier.example", "body": "Help", "attachments": [attachment.pk]}
    assert as_bob.post(path, data).status_code == 302
    note = Forward.objects.get().message
    assert note.kind == "note" and note.attachments.get().file == attachment.file


def test_message_and_files_of_another_ticket_cannot_be_forwarded(as_bob, ticket, carol, bob):
    other = tickets_services.create_ticket(
        customer=carol.customer,
        subject="s",
        description="d",
        by=carol,
        files=[SimpleUploadedFile("b.txt", b"x")],
    )
    path = reverse("forward-ticket", args=[ticket.pk])
    data = {
        "address": "a@supplier.example",
        "body": "x",
        "attachments": [other.attachments.get().pk],
    }
    assert as_bob.post(path, data).status_code == 400
    assert not Forward.objects.exists()


@pytest.mark.parametrize("address", ["alice@example.org", "nobody"])
def test_forward_to_the_customer_or_to_nobody_is_refused(as_bob, ticket, address):
    data = {"address": address, "body": "Half a day of writing"}
    page = as_bob.post(reverse("forward-ticket", args=[ticket.pk]), data)
    assert page.status_code == 400 and "Half a day of writing" in page.content.decode()


def test_anonymised_participant_leaves_no_trace(ticket, bob, dan, carol):
    tickets_services.reply(ticket=ticket, by=bob, body="Hello", cc=[("", "carol@example.org")])
    [participant] = ticket.participants.all()
    tickets_services.reply(ticket=ticket, by=None, body="Mine", participant=participant)
    accounts_services.deactivate_person(person=carol, by=dan)
    services.anonymise_person(person=carol, by=dan, confirmation=carol.email)
    assert not ticket.participants.exists()
    assert not OutgoingEmail.objects.filter(to="carol@example.org").exists()
    assert "carol@example.org" not in str([*ticket.events.values_list("data", flat=True)])
    assert ticket.messages.last().author_name == "Anonymous"
