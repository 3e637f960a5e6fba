"""The signature of an agent stands below their replies, once."""

import pytest
from django.test import Client
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.macros import services as macros_services
from appliance.notifications.models import OutgoingEmail
from appliance.tickets import services
from appliance.tickets.models import Message, Status
from appliance.tickets.signatures import signature_below

SIGNATURE = "**Bob Barker**\nService desk <room 4>\nPhone 47-11"


@pytest.fixture
def bob(bob):
    bob.signature = SIGNATURE
    bob.save(update_fields=["signature"])
    return bob


@pytest.mark.parametrize(
    ("body", "signature", "is_added"),
    [
        ("Shake the toner.", "Bob", True),
        ("Bob will come tomorrow.", "Bob", True),  # no line of its own
        ("Shake it.\n\nBob", "Bob", False),
        ("Shake it.\n\n**Bob**  \nService\\-desk\n\nSee you!", "Bob\nService-desk", False),
        ("Shake it.\n\n> Bob\n> Service desk", "Bob\nService desk", True),  # quoted
        ("Bob\nShake it.", "Bob\nService desk", True),
        ("Shake it.", " \n ", False),
        ("Shake it.", "—", True),
    ],
)
def test_signature_is_added_unless_its_lines_are_there(body, signature, is_added):
    assert signature_below(body, signature) == (signature.strip() if is_added else "")


def test_reply_of_an_agent_has_the_signature_of_that_day(ticket, bob):
    message = services.reply(ticket=ticket, by=bob, body="Shake the toner.")
    assert (message.body, message.signature) == ("Shake the toner.", SIGNATURE)
    bob.signature = "Another"
    bob.save()
    message.refresh_from_db()
    assert message.signature == SIGNATURE


def test_notes_and_replies_of_others_have_no_signature(ticket, alice, bob):
    services.add_note(ticket=ticket, by=bob, body="Old driver.")
    services.reply(ticket=ticket, by=alice, body="Thanks.")
    services.reply(ticket=ticket, by=None, body="A guest.")
    assert not Message.objects.exclude(signature="").exists()


def test_agent_who_asks_does_not_sign(bob):
    customer = accounts_services.ensure_customer_of(bob)
    ticket = services.create_ticket(
        customer=customer, subject="My screen", description="Dark.", by=bob
    )
    assert services.reply(ticket=ticket, by=bob, body="Still dark.").signature == ""


def test_macro_and_canned_response_with_the_signature_sign_once(ticket, bob):
    canned_response = macros_services.add_canned_response(
        by=bob, name="Hi", body="Hello {customer_first_name}\n\n{agent_signature}"
    )
    macro = macros_services.add_macro(
        by=bob, name="Greet", actions={"canned_response": canned_response.pk}
    )
    macros_services.run_macro(macro=macro, ticket=ticket, by=bob)
    services.start_bulk_change(by=bob, tickets=[ticket.pk], changes={"macro": macro.pk})
    text = macros_services.render_canned_response(
        canned_response=canned_response, ticket=ticket, by=bob
    )
    services.reply(ticket=ticket, by=bob, body=text, status=Status.WAITING)
    assert [message.signature for message in Message.objects.all()] == [""] * 3


def test_customer_sees_the_signature_escaped(client: Client, ticket, alice, bob):
    services.reply(ticket=ticket, by=bob, body="Shake the toner.")
    client.force_login(alice)
    page = client.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert "<strong>Bob Barker</strong><br>\nService desk &lt;room 4&gt;<br>" in page
    assert page.count("Phone 47-11") == 1


def test_email_to_the_customer_has_the_signature(ticket, alice, bob, settings):
    settings.EMAIL_HOST = "mail.example"
    services.reply(ticket=ticket, by=bob, body="Shake the toner.")
    body = OutgoingEmail.objects.get(user=alice).body
    assert "Shake the toner.\n\nBob Barker\nService desk <room 4>" in body
    assert body.count("47-11") == 1


def test_agent_sees_the_signature_before_sending(client, ticket, bob):
    client.force_login(bob)
    page = client.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert page.count("Service desk &lt;room 4&gt;") == 1
