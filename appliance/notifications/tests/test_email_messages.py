"""E-mails about tickets as a real SMTP server receives them: headers, texts, files."""

import re
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Team
from appliance.core.models import SiteSettings
from appliance.notifications import services
from appliance.notifications.models import EmailSettings, OutgoingEmail, SenderAddress
from appliance.notifications.tests.test_outbox import make_due
from appliance.tickets import email_marks, reply_tokens
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Channel, Event, Message, Rating, Status, Ticket
from tests.sample_objects import PNG


class Inbox:
    """What the mail server has received; addresses with a code before them are refused with it."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if refusal := re.match(r"(\d{3})", address):
            return f"{refusal[1]} no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def to(self, address: str) -> EmailMessage:
        """Return the only e-mail to an address."""
        [message] = [message for message in self.messages if address in str(message["To"])]
        return message


@pytest.fixture
def inbox(settings, db):
    """A mail server on this machine that an admin has entered; it acknowledges nothing."""
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "appliance.notifications.smtp.EmailBackend"
    EmailSettings.objects.create(
        host="127.0.0.1",
        port=port,
        security="none",
        acknowledged_channels=[],
    )
    SenderAddress.objects.create(
        address="desk@example.org", display_name="Desk", is_default=True, signature="Call **4711**"
    )
    SiteSettings.objects.update_or_create(pk=1, defaults={"base_url": "https://desk.example.org"})
    yield inbox
    controller.stop()


@pytest.fixture
def gil(db) -> Customer:
    """A caller with an address and no log-in."""
    return accounts_services.ensure_customer(email="gil@example.org", first_name="Gil")


@pytest.fixture
def call(gil, bob) -> Ticket:
    return open_ticket(gil, bob)


def open_ticket(customer: Customer, by=None, **more: object) -> Ticket:
    return tickets_services.create_ticket(
        customer=customer, subject="No dial tone", description="Since noon.", by=by, **more
    )


def answer(ticket: Ticket, by, body: str = "Try **now**.", **more: object) -> Message:
    return tickets_services.reply(ticket=ticket, by=by, body=body, **more)


def deliver() -> int:
    make_due()
    services.build_digests()
    return services.send_due()


def acknowledge(*channels: str) -> None:
    EmailSettings.objects.update(acknowledged_channels=channels)


def texts(message: EmailMessage) -> tuple[str, str]:
    """Return the plain text and the HTML."""
    bodies = [message.get_body([kind]) for kind in ("plain", "html")]
    return tuple(body.get_content() for body in bodies)


def test_reply_can_be_answered_and_names_its_author(inbox, call, bob):
    answer(call, bob)
    deliver()
    message = inbox.to("gil@example.org")
    assert (
        message["From"] == '"Bob via Desk" <desk@example.org>' or "Bob via Desk" in message["From"]
    )
    [token] = reply_tokens.find_tokens(message["Reply-To"])
    assert (token.ticket_id, token.recipient) == (call.pk, f"c{call.customer_id}")
    assert [*reply_tokens.find_tokens(message["Message-ID"])] == [token]
    assert message["Auto-Submitted"] is None and "NDR" not in message["X-Auto-Response-Suppress"]
    assert message[email_marks.DESK_HEADER] == email_marks.desk_id()


def test_reply_is_plain_and_html_with_the_marker_first(inbox, call, bob):
    answer(call, bob)
    deliver()
    plain, html = texts(inbox.to("gil@example.org"))
    assert plain.startswith(f"--- {email_marks.REPLY_MARKERS['en']} ---")
    assert "Bob replied to you" in plain and "Try now." in plain and "Call 4711" in plain
    assert "<strong>now</strong>" in html and "<strong>4711</strong>" in html
    assert "> Since noon." in plain  # what came before
    assert not re.search(r'(src|background|url\()="?https?:', html)  # nothing is loaded


def test_text_of_a_customer_is_no_html(inbox, gil, bob):
    ticket = tickets_services.create_ticket(
        customer=gil, subject="<b>x</b>", description="<img src=x onerror=y> {link}", by=None
    )
    answer(ticket, bob, "<script>alert(1)</script>")
    deliver()
    _plain, html = texts(inbox.to("gil@example.org"))
    assert "<script" not in html and "<img" not in html and "<b>x" not in html
    assert "{link}" in html


def test_team_has_its_own_sender(inbox, call, bob, dan):
    team = Team.objects.create(name="Telephones")
    SenderAddress.objects.create(address="phones@example.org", team=team)
    tickets_services.set_team(ticket=call, team=team, by=dan)
    answer(call, bob)
    deliver()
    message = inbox.to("gil@example.org")
    assert "phones@example.org" in message["From"] and "phones+" in message["Reply-To"]


def test_reply_to_keeps_the_address_where_the_server_knows_no_sub_addresses(inbox, call, bob):
    SenderAddress.objects.update(uses_sub_addresses=False)
    answer(call, bob)
    deliver()
    message = inbox.to("gil@example.org")
    assert "desk@example.org" in message["Reply-To"] and "+" not in message["Reply-To"]
    assert [*reply_tokens.find_tokens(message["Message-ID"])]


def test_emails_of_a_ticket_are_one_conversation(inbox, call, bob):
    answer(call, bob)
    deliver()
    services.record_received(ticket=call, address="gil@example.org", message_id="<1@phone.example>")
    answer(call, bob, "And now?")
    deliver()
    first, second = inbox.messages
    assert second["In-Reply-To"] == "<1@phone.example>"
    assert first["References"] in second["References"]
    assert first["Message-ID"] != second["Message-ID"]


def test_files_go_with_the_reply_as_far_as_they_fit(inbox, call, bob):
    EmailSettings.objects.update(max_attachments_mb=1)
    small = SimpleUploadedFile("plan.txt", b"Left, then right.")
    large = SimpleUploadedFile("film.txt", b"x" * 1_200_000)
    answer(call, bob, files=[large, small])
    deliver()
    message = inbox.to("gil@example.org")
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "plan.txt"
    plain, _html = texts(message)
    assert "film.txt (1.1" in plain and "/guest/" in plain


def test_logo_comes_with_the_email(inbox, call, bob, dan):
    from appliance.manage.services import change_logo

    change_logo(by=dan, upload=SimpleUploadedFile("logo.png", PNG))
    answer(call, bob)
    deliver()
    message = inbox.to("gil@example.org")
    [picture] = [part for part in message.walk() if part.get_content_type() == "image/png"]
    _plain, html = texts(message)
    assert f"cid:{picture['Content-ID'].strip('<>')}" in html
    assert [*message.iter_attachments()] == []


# --- acknowledgements


def test_new_ticket_is_acknowledged_with_its_number(inbox, gil):
    acknowledge("email")
    ticket = open_ticket(gil, channel=Channel.EMAIL)
    deliver()
    message = inbox.to("gil@example.org")
    assert ticket.number in texts(message)[0] and "Since noon" not in texts(message)[0]
    assert message["Auto-Submitted"] == "auto-generated"


def test_customer_with_a_login_gets_the_acknowledgement_too(inbox, alice):
    acknowledge("portal")
    open_ticket(alice.customer, alice)
    deliver()
    assert "Hello Alice" in texts(inbox.to("alice@example.org"))[0]


@pytest.mark.parametrize("case", ["channel", "automatic", "undeliverable"])
def test_nobody_is_acknowledged_who_should_not_be(inbox, gil, case):
    acknowledge(*([] if case == "channel" else ["email"]))
    if case == "undeliverable":
        accounts_services.mark_undeliverable(email=gil.email, reason="550")
        gil.refresh_from_db()
    open_ticket(gil, channel=Channel.EMAIL, is_automatic=case == "automatic")
    assert not OutgoingEmail.objects.exists()


def test_an_address_gets_few_acknowledgements_an_hour(inbox, gil):
    acknowledge("portal")
    for _ in range(8):
        open_ticket(gil)
    assert OutgoingEmail.objects.filter(kind="received").count() == 5


# --- participants


def test_participants_get_replies_and_answer_for_themselves(inbox, call, bob):
    answer(call, bob, cc=[("Pia", "pia@example.org")])
    tickets_services.add_note(ticket=call, by=bob, body="Secret.")
    deliver()
    message = inbox.to("pia@example.org")
    [token] = reply_tokens.find_tokens(message["Reply-To"])
    participant = call.participants.get()
    assert token.recipient == f"p{participant.pk}"
    plain, html = texts(message)
    assert "Try now." in plain and "Secret" not in plain + html and "/guest/" not in plain + html


def test_answer_of_a_participant_reaches_the_customer_and_the_others(inbox, call, bob):
    people = [("Pia", "pia@example.org"), ("Paul", "paul@example.org")]
    pia, _paul = tickets_services.add_participants(ticket=call, by=bob, people=people)
    message = tickets_services.reply(ticket=call, by=None, body="I know why.", participant=pia)
    deliver()
    assert message.author_name == "Pia"
    recipients = {str(email["To"]) for email in inbox.messages}
    assert {"gil@example.org", "paul@example.org"} <= recipients
    assert "pia@example.org" not in recipients


def test_removed_participant_gets_nothing_more(inbox, call, bob):
    answer(call, bob, cc=[("", "pia@example.org")])
    tickets_services.remove_participant(participant=call.participants.get(), by=bob)
    deliver()
    assert [str(message["To"]) for message in inbox.messages] == ["gil@example.org"]
    assert call.events.filter(kind=Event.Kind.PEOPLE).count() == 2


# --- forwarding


def test_forward_is_kept_as_a_note_and_its_answer_becomes_one(inbox, call, bob):
    answer(call, bob, files=[SimpleUploadedFile("plan.txt", b"Left.")])
    OutgoingEmail.objects.all().delete()
    forward = services.forward_ticket(
        ticket=call,
        by=bob,
        address="parts@supplier.example",
        body="Please send **one**.",
        attachments=call.attachments.all(),
    )
    deliver()
    message = inbox.to("parts@supplier.example")
    [token] = reply_tokens.find_tokens(message["Reply-To"])
    assert token.recipient == f"s{forward.pk}"
    plain, html = texts(message)
    assert "Please send one." in plain and "Since noon" not in plain + html
    assert [part.get_filename() for part in message.iter_attachments()] == ["plan.txt"]
    note = call.messages.get(kind="note")
    assert "parts@supplier.example" in note.body and "one" in note.body
    reply = services.add_forward_answer(forward=forward, body="On its way.")
    assert (reply.kind, reply.author_name) == ("note", "parts@supplier.example")
    assert len(inbox.messages) == 1 and not OutgoingEmail.objects.filter(user=None, state="waiting")


def test_ticket_is_forwarded_once_however_often_the_form_is_sent(inbox, call, bob):
    key = call.idempotency_key
    for _ in range(2):
        services.forward_ticket(
            ticket=call, by=bob, address="a@supplier.example", body="x", idempotency_key=key
        )
    assert call.forwards.count() == OutgoingEmail.objects.filter(kind="forward").count() == 1


# --- rating


def test_link_in_the_email_rates_only_by_its_form(inbox, call, bob, client):
    tickets_services.set_status(ticket=call, status=Status.SOLVED, by=bob)
    deliver()
    plain, _html = texts(inbox.to("gil@example.org"))
    good, bad = re.findall(r"https://desk\.example\.org(/rate/\S+)", plain)
    assert client.get(good).status_code == client.get(bad).status_code == 200
    assert client.head(bad).status_code == 405 or not Rating.objects.exists()
    assert client.post(bad, {"is_good": "no", "comment": "Still dead."}).status_code == 302
    assert not call.rating.is_good and call.rating.comment == "Still dead."
    forged = bad.replace(f"/{call.pk}-", f"/{call.pk + 1}-")
    assert client.get(forged).status_code == 404


# --- delivery


def test_one_refused_recipient_stops_nobody_else(inbox, call, bob):
    answer(call, bob, cc=[("", "550@example.org"), ("", "450@example.org")])
    assert deliver() == 1
    states = dict(OutgoingEmail.objects.values_list("to", "state"))
    assert states == {
        "gil@example.org": "sent",
        "550@example.org": "failed",
        "450@example.org": "waiting",
    }
    failed = OutgoingEmail.objects.get(state="failed")
    assert failed.reason == "127.0.0.1 refuses the recipient. It said: 550 no such mailbox"
    assert call.events.get(kind=Event.Kind.UNDELIVERED).data["to"] == "550@example.org"


def test_agent_sees_what_became_of_each_email(inbox, call, bob, client):
    answer(call, bob, cc=[("", "550@example.org")])
    deliver()
    client.force_login(bob)
    page = client.get(reverse("ticket", args=[call.pk])).content.decode()
    assert "E-mail sent to gil@example.org" in page
    assert "E-mail to 550@example.org failed: 127.0.0.1 refuses the recipient." in page


def test_bounce_is_shown_once(inbox, call, bob):
    answer(call, bob)
    deliver()
    email = OutgoingEmail.objects.get(state="sent")
    for _ in range(2):
        services.mark_bounced(email=email, reason="mailbox full")
    email.refresh_from_db()
    assert (email.state, email.reason) == ("bounced", "mailbox full")
    assert call.events.filter(kind=Event.Kind.UNDELIVERED).count() == 1


def test_many_changes_are_few_emails_to_one_address(inbox, gil, bob):
    for _ in range(30):
        tickets_services.set_status(ticket=open_ticket(gil), status=Status.SOLVED, by=bob)
    assert deliver() == 13  # the other eighteen are one digest
    [digest] = [message for message in inbox.messages if "Updates on" in message["Subject"]]
    assert "18" in digest["Subject"] and digest["Auto-Submitted"] == "auto-generated"


def test_a_minute_sends_so_many_and_replies_go_first(inbox, gil, bob):
    EmailSettings.objects.update(max_emails_per_minute=2)
    for _ in range(3):
        tickets_services.set_status(ticket=open_ticket(gil), status=Status.SOLVED, by=bob)
    answer(open_ticket(gil), bob)
    assert (deliver(), len(inbox.messages)) == (2, 2)
    assert "Try now." in texts(inbox.messages[0])[0]
