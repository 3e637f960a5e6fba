"""Messages that came by e-mail: folded parts, HTML in a frame of its own, source for agents."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from appliance.files import services as files_services
from appliance.mail.models import InboundEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Attachment, Message, Ticket
from appliance.tickets.reply_tokens import address_with_token, make_token
from tests.sample_objects import PNG

RAW = """\
From: Alice Test <alice@example.org>
To: Help Desk <{to}>
Cc: Carol <carol@example.org>
Subject: Printer

Hello
"""


def receive(ticket: Ticket, message: Message | None = None, **fields: object) -> InboundEmail:
    """Store an e-mail as the intake does once it has processed it."""
    to = address_with_token("desk@example.org", make_token(ticket.pk, "c1"))
    upload = SimpleUploadedFile("source.eml", RAW.format(to=to).encode())
    return InboundEmail.objects.create(
        ticket=ticket,
        message=message,
        source=files_services.store(upload=upload, by=None),
        digest=uuid.uuid4().hex,
        size=100,
        state=InboundEmail.State.PROCESSED,
        sender="alice@example.org",
        recipients=[to, "carol@example.org"],
        subject="Printer",
        **fields,
    )


@pytest.fixture
def email(ticket) -> InboundEmail:
    """The e-mail that Alice's ticket began with."""
    return receive(
        ticket,
        quoted_text="> the old text",
        signature="Alice\nWard 3",
        html='<p>Hello <img src="cid:1"></p>',
        notes=[["remote-content", {"count": 2}]],
    )


@pytest.fixture
def note_email(ticket, bob) -> InboundEmail:
    """An e-mail that became an internal note, such as the answer of a supplier."""
    note = tickets_services.add_note(ticket=ticket, by=bob, body="From the supplier")
    return receive(ticket, note, html="<p>Price list</p>", quoted_text="> our question")


def page(client, user, path: str) -> str:
    client.force_login(user)
    return client.get(path).content.decode()


def test_quoted_text_and_signature_are_folded(client, ticket, email, bob):
    text = page(client, bob, f"/tickets/{ticket.pk}/")
    assert "<summary>Quoted text</summary>" in text and "&gt; the old text" in text
    assert "<summary>Signature</summary>" in text and "Alice\nWard 3" in text


def test_agent_reads_notes_and_customer_does_not(client, ticket, email, alice, bob):
    note = "2 pictures on other servers are not loaded."
    text = page(client, bob, f"/tickets/{ticket.pk}/")
    assert note in text and "desk@example.org, carol@example.org" in text
    text = page(client, alice, f"/tickets/{ticket.pk}/")
    assert note not in text and "the old text" in text
    assert "Show HTML" in text and "source" not in text


def test_email_of_a_message_is_shown_with_it(client, ticket, alice, bob):
    message = tickets_services.reply(ticket=ticket, by=alice, body="It works again.")
    receive(ticket, message, quoted_text="> what Bob wrote")
    text = page(client, bob, f"/tickets/{ticket.pk}/")
    assert text.index("It works again.") < text.index("what Bob wrote")


def test_html_has_its_own_policy_and_its_pictures(client, ticket, email, bob):
    file = files_services.store(upload=SimpleUploadedFile("a.png", PNG), by=None)
    picture = Attachment.objects.create(ticket=ticket, file=file)
    InboundEmail.objects.update(html=f'<img src="cid:{picture.pk}"><img src="cid:99999">')
    client.force_login(bob)
    response = client.get(reverse("email-html", args=[email.pk]))
    text = response.content.decode()
    assert f'src="/attachments/{picture.pk}/"' in text and "99999" not in text
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "allow-scripts" not in policy
    assert response["X-Frame-Options"] == "SAMEORIGIN"


def test_email_page_shows_recipients_without_reply_tokens(client, ticket, email, alice, bob):
    for user in (alice, bob):
        text = page(client, user, f"/emails/{email.pk}/?as=text")
        assert "Help Desk &lt;desk@example.org&gt;" in text and "carol@example.org" in text
    token = make_token(ticket.pk, "c1")
    assert token in page(client, bob, f"/emails/{email.pk}/")  # among all headers
    assert token not in page(client, alice, f"/emails/{email.pk}/")


def test_source_is_downloaded_by_agents_only(client, email, alice, bob):
    path = reverse("email-source", args=[email.pk])
    client.force_login(bob)
    response = client.get(path)
    assert b"".join(response).startswith(b"From: Alice")
    assert response["Content-Disposition"].startswith("attachment")
    client.force_login(alice)
    assert client.get(path).status_code == 403


def test_others_see_no_email(client, email, note_email, alice, carol):
    client.force_login(carol)
    for name in ("email", "email-html"):
        assert client.get(reverse(name, args=[email.pk])).status_code == 404
    client.force_login(alice)
    for name in ("email", "email-html"):
        assert client.get(reverse(name, args=[email.pk])).status_code == 200
        assert client.get(reverse(name, args=[note_email.pk])).status_code == 404
    assert "our question" not in page(client, alice, f"/tickets/{email.ticket_id}/")


def test_email_that_is_not_processed_is_not_shown(client, email, bob):
    InboundEmail.objects.update(state=InboundEmail.State.HELD)
    client.force_login(bob)
    assert client.get(reverse("email", args=[email.pk])).status_code == 404


def test_report_about_our_email_is_not_the_first_message(client, ticket, bob):
    receive(ticket, reason="An e-mail of the help desk came back.", quoted_text="> bounce")
    assert "bounce" not in page(client, bob, f"/tickets/{ticket.pk}/")
