"""What becomes of an e-mail: a ticket, a message, or nothing, and who is told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Team
from appliance.files.models import StoredFile
from appliance.mail import services
from appliance.mail.models import BlockedSender, InboundEmail, Mailbox
from appliance.mail.tests.conftest import compose, message
from appliance.notifications.models import OutgoingEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Channel, Message, Status, Ticket
from appliance.tickets.reply_tokens import address_with_token, make_token
from appliance.web import services as web_services

DESK = "desk@example.org"
ALICE = "Alice Test <alice@example.org>"
STRANGER = "Sam Stranger <sam@elsewhere.example>"


@pytest.fixture
def take_in(mailbox):
    """Return a function that receives an e-mail, processes it and returns its row."""

    def take(source: bytes) -> InboundEmail:
        email = services.receive(mailbox=mailbox, source=source)
        services.process_received()
        email.refresh_from_db()
        return email

    return take


def reply_to(ticket: Ticket, recipient: str, text: str = "Thank you.", **headers: str) -> bytes:
    """Return an answer to an e-mail about a ticket that was sent to a recipient such as c12."""
    address = address_with_token(DESK, make_token(ticket.pk, recipient))
    headers = {"sender": ALICE, "message_id": f"<{text}@client>"} | headers
    return compose(text, to=address, subject="Re: Printer", **headers)


def automatic_answers() -> int:
    return OutgoingEmail.objects.filter(key__startswith="auto:").count()


# --- new tickets


def test_email_of_a_customer_opens_a_ticket_for_them(take_in, alice):
    email = take_in(compose())
    ticket = email.ticket
    assert (email.state, ticket.customer, ticket.channel) == (
        "processed",
        alice.customer,
        Channel.EMAIL,
    )
    assert ticket.subject == "Printer" and ticket.description == "The printer prints blank pages."


def test_ticket_gets_team_and_category_of_its_mailbox(take_in, mailbox, alice, categories):
    team, category = Team.objects.create(name="IT"), categories["hardware"]
    Mailbox.objects.update(team=team, category=category)
    ticket = take_in(compose()).ticket
    assert (ticket.team, ticket.category) == (team, category)


def test_category_of_a_mailbox_survives_the_classification(take_in, mailbox, alice, categories):
    Mailbox.objects.update(category=categories["hardware"])
    ticket = take_in(compose()).ticket
    tickets_services.record_classification(
        ticket=ticket, category=None, sentiment_score=None, bundles="model", data={}
    )
    ticket.refresh_from_db()
    assert ticket.category == categories["hardware"]


def test_files_become_attachments(take_in, alice):
    source = message("See the picture.", ALICE, DESK, "Printer", "<f@client>")
    source.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="page.pdf")
    ticket = take_in(source.as_bytes()).ticket
    assert [row.file.name for row in ticket.attachments.all()] == ["page.pdf"]


def test_pictures_in_html_are_those_attached(take_in, alice):
    source = message("See the picture.", ALICE, DESK, "Printer", "<f@client>")
    source.add_alternative('<p>See <img src="cid:shot"></p>', subtype="html")
    html = source.get_payload()[1]
    html.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<shot>")
    source.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="page.pdf")
    email = take_in(source.as_bytes())
    picture = email.ticket.attachments.get(file__name__startswith="attachment")
    assert f'<img src="cid:{picture.pk}">' in email.html


def test_file_above_the_limit_is_left_out_and_the_sender_is_told(take_in, alice, dan):
    accounts_services.update_site_settings(by=dan, max_attachment_mb=1)
    source = message("See the film.", ALICE, DESK, "Printer", "<f@client>")
    source.add_attachment(b"\1" * 2_000_000, maintype="video", subtype="mp4", filename="film.mp4")
    email = take_in(source.as_bytes())
    assert not email.ticket.attachments.exists() and email.notes[0][0] == "large-attachments"
    answer = OutgoingEmail.objects.get(key__startswith="auto:files")
    assert answer.to == "alice@example.org" and "1 MB" in answer.body
    assert email.source.size > 2_000_000  # not lost


def test_unknown_sender_becomes_a_customer(take_in):
    customer = take_in(compose(sender=STRANGER)).ticket.customer
    assert (str(customer), customer.user) == ("Sam Stranger <sam@elsewhere.example>", None)


def test_email_of_an_unknown_sender_is_held_and_accepted_by_an_agent(take_in, mailbox, bob):
    Mailbox.objects.update(unknown_senders="hold")
    email = take_in(compose(sender=STRANGER))
    assert email.state == "held" and not Ticket.objects.exists()
    services.accept_email(email=email, by=bob)
    services.process_received()
    email.refresh_from_db()
    assert email.state == "processed" and email.ticket.customer.email == "sam@elsewhere.example"


def test_unknown_sender_is_refused_politely_once_a_day(take_in, mailbox):
    Mailbox.objects.update(unknown_senders="refuse")
    states = [take_in(compose(sender=STRANGER, message_id=f"<{n}@x>")).state for n in range(3)]
    assert states == ["refused"] * 3 and automatic_answers() == 1
    assert not Ticket.objects.exists() and not Customer.objects.exists()


def test_program_of_an_unknown_sender_is_refused_without_a_word(take_in, mailbox):
    Mailbox.objects.update(unknown_senders="refuse", accepts_automatic=True)
    email = take_in(compose(sender=STRANGER, Auto_Submitted="auto-generated"))
    assert email.state == "refused" and automatic_answers() == 0


def test_customer_whose_account_was_deactivated_is_refused_and_told(take_in, alice, dan):
    accounts_services.deactivate_person(person=alice, by=dan)
    assert take_in(compose()).state == "refused" and automatic_answers() == 1
    assert not Ticket.objects.exists()


def test_people_in_copy_take_part(take_in, alice):
    ticket = take_in(compose(Cc=f"{STRANGER}, Desk <{DESK}>, bob@example.org")).ticket
    assert "sam@elsewhere.example" in ticket.participants.values_list("email", flat=True)
    assert DESK not in ticket.participants.values_list("email", flat=True)


# --- what opens no ticket


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        ({"sender": f"Desk <{DESK}>"}, "ignored"),
        ({"sender": "mail@blocked.example"}, "ignored"),
        ({"sender": "mail@deep.below.blocked.example"}, "ignored"),
        ({"Auto_Submitted": "auto-replied"}, "ignored"),
        ({"Precedence": "bulk"}, "ignored"),
        ({"List_Id": "<staff.example.org>"}, "held"),
        ({"X_Spam_Flag": "YES"}, "held"),
        ({"sender": "nobody"}, "held"),
    ],
)
def test_email_that_opens_no_ticket_and_gets_no_answer(take_in, alice, headers, state):
    BlockedSender.objects.create(pattern="@blocked.example")
    assert take_in(compose(**headers)).state == state
    assert not Ticket.objects.exists() and not OutgoingEmail.objects.exists()


def test_spam_is_ignored_where_the_mailbox_says_so(take_in, mailbox):
    Mailbox.objects.update(spam="ignore")
    assert take_in(compose(X_Spam_Flag="YES")).state == "ignored"


def test_spam_that_an_agent_accepts_becomes_a_ticket(take_in, alice, bob):
    email = take_in(compose(X_Spam_Flag="YES"))
    services.accept_email(email=email, by=bob)
    services.process_received()
    assert Ticket.objects.count() == 1


def test_alert_opens_a_ticket_without_an_answer_where_it_is_accepted(take_in, mailbox, settings):
    Mailbox.objects.update(accepts_automatic=True)
    settings.EMAIL_HOST = "mail.example.org"
    email = take_in(compose(sender="ups@example.org", Auto_Submitted="auto-generated"))
    assert email.ticket.subject == "Printer" and not OutgoingEmail.objects.exists()


def test_our_own_email_that_comes_back_opens_nothing(take_in, ticket):
    token = make_token(ticket.pk, f"c{ticket.customer_id}")
    email = take_in(compose(message_id=f"<{token}.abc@example.org>"))
    assert email.state == "ignored" and not ticket.messages.exists()


# --- answers


def test_customers_answer_becomes_a_reply_and_reopens(take_in, ticket, bob):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    email = take_in(reply_to(ticket, f"c{ticket.customer_id}"))
    ticket.refresh_from_db()
    assert email.message.is_from_customer and email.message.body == "Thank you."
    assert email.message.author == ticket.customer.user and ticket.status == Status.OPEN


def test_token_in_references_joins_when_the_address_has_none(take_in, ticket):
    token = make_token(ticket.pk, f"c{ticket.customer_id}")
    email = take_in(compose(References=f"<other@x> <{token}.ab@example.org>", subject="Aw: x"))
    assert email.ticket == ticket


def test_token_of_the_envelope_joins(mailbox, ticket):
    address = address_with_token(DESK, make_token(ticket.pk, f"c{ticket.customer_id}"))
    source = compose(to="undisclosed:;")
    services.receive(mailbox=mailbox, source=source, envelope_recipients=[address])
    services.process_received()
    assert ticket.messages.count() == 1


def test_forged_token_joins_nothing(take_in, ticket):
    address = f"desk+{ticket.pk}-c{ticket.customer_id}-{'a' * 32}@example.org"
    email = take_in(compose(sender=STRANGER, to=address))
    assert email.ticket != ticket


def test_number_in_the_subject_joins_only_for_the_customer(take_in, ticket):
    number = f"[{ticket.number}] blank pages"
    assert take_in(compose(sender=STRANGER, subject=number, message_id="<s@x>")).ticket != ticket
    assert take_in(compose("Mine", subject=number, message_id="<a@x>")).ticket == ticket


def test_known_message_id_joins_only_for_a_party(take_in, alice, carol):
    ticket = take_in(compose(message_id="<first@client>")).ticket
    carols = take_in(
        compose("Me too", sender="carol@example.org", References="<first@client>", message_id="<c>")
    )
    alices = take_in(compose("More", In_Reply_To="<first@client>", message_id="<a>"))
    assert carols.ticket != ticket and alices.ticket == ticket


def test_somebody_else_who_has_the_token_takes_part_for_all_to_see(take_in, ticket):
    email = take_in(reply_to(ticket, f"c{ticket.customer_id}", sender=STRANGER))
    assert email.message.author_name == "Sam Stranger" and email.message.author is None
    assert ticket.participants.get().email == "sam@elsewhere.example"


def test_previous_customer_of_a_corrected_ticket_joins_it_no_longer(take_in, ticket, bob, carol):
    answer = reply_to(ticket, f"c{ticket.customer_id}")
    tickets_services.set_requester(ticket=ticket, customer=carol.customer, by=bob)
    count = ticket.messages.count()
    assert take_in(answer).ticket != ticket
    assert (ticket.messages.count(), ticket.participants.count()) == (count, 0)


def test_participant_who_was_removed_joins_no_longer(take_in, ticket, bob):
    people = [("Pia", "pia@example.org")]
    tickets_services.add_participants(ticket=ticket, by=bob, people=people)
    participant = ticket.participants.get()
    answer = reply_to(ticket, f"p{participant.pk}", sender="pia@example.org")
    tickets_services.remove_participant(participant=participant, by=bob)
    assert take_in(answer).ticket != ticket


def test_agents_answer_to_their_notification_is_a_reply_to_the_customer(take_in, ticket, bob):
    email = take_in(reply_to(ticket, f"u{bob.pk}", sender="Bob <bob@example.org>"))
    assert email.message.author == bob and not email.message.is_from_customer
    assert email.message.kind == Message.Kind.REPLY


def test_agents_address_without_their_token_writes_a_note_only(take_in, ticket, bob):
    forged = reply_to(ticket, f"c{ticket.customer_id}", sender="Bob <bob@example.org>")
    email = take_in(forged)
    assert email.message.kind == Message.Kind.NOTE and email.message.author is None
    assert email.notes[0][0] == "unverified-agent"


def test_agents_notification_answered_by_somebody_else_is_a_note(take_in, ticket, bob):
    email = take_in(reply_to(ticket, f"u{bob.pk}", sender=STRANGER))
    assert email.message.kind == Message.Kind.NOTE and not ticket.participants.exists()


def test_agent_without_access_is_refused_and_told(take_in, ticket, bob, frank):
    team = Team.objects.create(name="Closed", is_closed=True)
    team.members.add(frank)
    tickets_services.set_team(ticket=ticket, team=team, by=frank)
    email = take_in(reply_to(ticket, f"u{bob.pk}", sender="bob@example.org"))
    assert email.state == "refused" and not ticket.messages.exists()
    assert OutgoingEmail.objects.filter(key__startswith="auto:", to="bob@example.org").exists()


def test_deactivated_agent_is_refused_and_told(take_in, ticket, bob, dan):
    accounts_services.deactivate_person(person=bob, by=dan)
    email = take_in(reply_to(ticket, f"u{bob.pk}", sender="bob@example.org"))
    assert email.state == "refused" and automatic_answers() == 1


def test_late_answer_to_a_closed_ticket_opens_a_linked_one(take_in, ticket, bob):
    team = Team.objects.create(name="IT")
    tickets_services.set_team(ticket=ticket, team=team, by=bob)
    tickets_services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    email = take_in(reply_to(ticket, f"c{ticket.customer_id}"))
    assert email.ticket != ticket and email.ticket.team == team
    assert email.ticket.links.get().target == ticket


def test_answer_to_a_merged_ticket_goes_where_the_conversation_is(take_in, ticket, alice, bob):
    other = tickets_services.create_ticket(
        customer=alice.customer, subject="Same", description="Same", by=alice
    )
    tickets_services.merge_tickets(source=ticket, target=other, by=bob)
    assert take_in(reply_to(ticket, f"c{ticket.customer_id}")).ticket == other


def test_automatic_answer_is_a_note_and_reopens_nothing(take_in, ticket, bob):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    source = reply_to(ticket, f"c{ticket.customer_id}", Auto_Submitted="auto-replied")
    email = take_in(source)
    ticket.refresh_from_db()
    assert email.message.kind == Message.Kind.NOTE and email.is_automatic
    assert ticket.status == Status.SOLVED and automatic_answers() == 0


def test_automatic_answer_of_an_agent_is_ignored(take_in, ticket, bob):
    source = reply_to(ticket, f"u{bob.pk}", sender="bob@example.org", Auto_Submitted="auto-replied")
    assert take_in(source).state == "ignored"


def test_quoted_text_and_signature_stand_beside_the_message(take_in, ticket):
    quoted = "On Sun, 29 Nov 2026 at 12:00, Bob <desk@example.org> wrote:\n> Try again."
    text = f"It works.\n\n-- \nAlice\nWard 3\n\n{quoted}"
    email = take_in(reply_to(ticket, f"c{ticket.customer_id}", text, message_id="<q@client>"))
    assert email.message.body == "It works." and "Try again." in email.quoted_text
    assert "Ward 3" in email.signature


# --- bounces


def bounce_of(email: OutgoingEmail, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    report = (
        f"From: MAILER-DAEMON@example.org\r\nTo: {DESK}\r\nSubject: Undelivered Mail\r\n"
        "Message-ID: <bounce@mta>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mta\r\n\r\n"
        f"Final-Recipient: rfc822; {email.to}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {email.message_id}\r\nTo: {email.to}\r\n\r\n--b--\r\n"
    )
    return report.encode()


@pytest.fixture
def sent(ticket) -> OutgoingEmail:
    """An e-mail about the ticket that was sent to Alice."""
    recipient = f"c{ticket.customer_id}"
    token = make_token(ticket.pk, recipient)
    return OutgoingEmail.objects.create(
        key="x",
        to="alice@example.org",
        state="sent",
        ticket=ticket,
        recipient=recipient,
        subject="Re",
        body="Text",
        message_id=f"<{token}.abc@example.org>",
    )


def test_bounce_marks_the_email_and_the_customer_and_opens_no_ticket(take_in, sent, ticket):
    email = take_in(bounce_of(sent))
    sent.refresh_from_db()
    customer = Customer.objects.get(pk=ticket.customer_id)
    assert (email.state, email.ticket, sent.state) == ("processed", ticket, "bounced")
    assert customer.undeliverable_since and "no such user" in customer.undeliverable_reason
    assert Ticket.objects.count() == 1 and automatic_answers() == 0


def test_report_of_a_delay_marks_nothing(take_in, sent, ticket):
    take_in(bounce_of(sent, action="delayed", status="4.4.1"))
    assert Customer.objects.get(pk=ticket.customer_id).undeliverable_since is None


def test_forged_bounce_marks_nothing(take_in, sent, ticket):
    OutgoingEmail.objects.update(message_id="<another@example.org>", recipient="c999")
    sent.message_id = f"<{ticket.pk}-c{ticket.customer_id}-{'a' * 32}.x@example.org>"
    assert take_in(bounce_of(sent)).state == "ignored"
    assert Customer.objects.get(pk=ticket.customer_id).undeliverable_since is None


def test_new_email_from_the_address_removes_the_mark(take_in, alice):
    accounts_services.mark_undeliverable(email="alice@example.org", reason="full")
    take_in(compose())
    assert Customer.objects.get(email="alice@example.org").undeliverable_since is None


# --- loops, and what goes wrong


def test_one_address_gets_few_automatic_answers_in_an_hour(take_in, mailbox, alice, dan):
    accounts_services.update_site_settings(by=dan, max_attachment_mb=1)
    for number in range(8):
        source = message("Film", ALICE, DESK, "Film", f"<{number}@client>")
        source.add_attachment(b"\1" * 1_200_000, maintype="video", subtype="mp4", filename="f.mp4")
        take_in(source.as_bytes())
    assert automatic_answers() == 5


def test_email_that_cannot_be_processed_is_parked_with_its_source(mailbox, monkeypatch):
    email = services.receive(mailbox=mailbox, source=compose())
    monkeypatch.setattr("appliance.mail.services.processing.take_in", lambda *arguments: 1 / 0)
    for _attempt in range(6):
        InboundEmail.objects.update(not_before=email.received_at)
        services.process_received()
    email.refresh_from_db()
    assert (email.state, email.attempts) == ("failed", 6) and email.source is not None
    assert "ZeroDivisionError" in email.reason


def test_failed_email_is_tried_again_by_an_admin(mailbox, alice, dan):
    email = services.receive(mailbox=mailbox, source=compose())
    InboundEmail.objects.update(state="failed", attempts=6)
    services.retry_email(email=email, by=dan)
    services.process_received()
    assert Ticket.objects.count() == 1


def test_half_a_ticket_is_never_left_behind(mailbox, alice, monkeypatch):
    services.receive(mailbox=mailbox, source=compose())
    with monkeypatch.context() as patch:
        patch.setattr(InboundEmail, "save", lambda *arguments, **options: 1 / 0)
        patch.setattr("appliance.mail.services.processing.claim", lambda: None)
        from appliance.mail.services import processing

        with pytest.raises(ZeroDivisionError):
            processing.process(InboundEmail.objects.get())
    assert not Ticket.objects.exists()
    services.process_received()
    assert Ticket.objects.count() == 1


def test_claim_that_was_killed_is_tried_again_after_a_minute(mailbox, alice):
    from appliance.mail.services import processing

    services.receive(mailbox=mailbox, source=compose())
    assert processing.claim() is not None
    assert services.process_received() == 0  # somebody may still be at it
    InboundEmail.objects.update(not_before=InboundEmail.objects.get().received_at)
    assert services.process_received() == 1 and Ticket.objects.count() == 1


def test_picture_in_the_text_is_shown_from_its_attachment(take_in, alice):
    source = message("See below.", ALICE, DESK, "Printer", "<p@client>")
    source.add_alternative('<p>See <img src="cid:logo@client"></p>', subtype="html")
    png = bytes.fromhex("89504e470d0a1a0a") + b"\0" * 64
    source.get_payload()[1].add_related(png, "image", "png", cid="<logo@client>")
    email = take_in(source.as_bytes())
    assert f'src="cid:{email.ticket.attachments.get().pk}"' in email.html


def test_admins_are_told_of_mailboxes_that_fail_for_long_and_of_failed_emails(
    dan_client, mailbox, bob
):
    services.receive(mailbox=mailbox, source=compose())
    InboundEmail.objects.update(state="failed")
    since = timezone.now() - timedelta(minutes=16)
    Mailbox.objects.create(
        name="Hung", failing_since=since, last_error="hung.example.org does not answer."
    )
    text = dan_client.get("/status/").content.decode()
    assert "The mailbox Hung cannot be read: hung.example.org does not answer." in text
    assert "1 received e-mail could not be processed" in text
    dan_client.force_login(bob)
    assert "cannot be read" not in dan_client.get("/").content.decode()


def test_agents_see_at_the_ticket_that_emails_come_back(client, ticket, bob):
    accounts_services.mark_undeliverable(email="alice@example.org", reason="550 no such user")
    client.force_login(bob)
    assert "come back (550 no such user)" in client.get(f"/tickets/{ticket.pk}/").content.decode()


def test_emails_of_an_anonymised_customer_are_erased_with_their_sources(take_in, alice, dan):
    email = take_in(compose())
    held = take_in(compose("Spam?", message_id="<held@x>", X_Spam_Flag="YES"))
    archive = b"".join(web_services.export_customer(customer=alice.customer, by=dan))
    assert f"e-mail-{email.pk}.eml".encode() in archive
    web_services.anonymise_customer(
        customer=alice.customer, by=dan, confirmation="alice@example.org"
    )
    for row in (email, held):
        row.refresh_from_db()
        assert (row.source, row.sender, row.subject, row.header_message_id) == (None, "", "", "")
    assert not StoredFile.objects.exists()


def test_two_desks_that_write_to_each_other_send_two_automatic_emails_at_most(
    take_in, mailbox, settings
):
    settings.EMAIL_HOST = "mail.example.org"
    for number in range(100):
        source = compose(
            f"We have received your request {number}.",
            sender="Other desk <desk@other.example>",
            subject=f"[Ticket {number}] received",
            message_id=f"<{number}@other.example>",
            Auto_Submitted="auto-replied",
        )
        take_in(source)
    assert OutgoingEmail.objects.count() <= 2 and Ticket.objects.count() == 0


def test_desk_that_hides_its_programs_gets_few_answers_in_an_hour(take_in, settings):
    settings.EMAIL_HOST = "mail.example.org"
    for number in range(12):
        take_in(compose(f"Received {number}", sender=STRANGER, message_id=f"<{number}@other>"))
    sent = OutgoingEmail.objects.filter(to="sam@elsewhere.example")
    assert 0 < sent.count() <= 5


def test_agents_see_beside_the_list_how_many_emails_wait_for_them(client, take_in, alice, bob):
    take_in(compose(X_Spam_Flag="YES"))
    client.force_login(bob)
    assert "Held e-mails" in client.get("/").content.decode()
    assert "Printer" in client.get("/manage/received-emails/").content.decode()


def test_held_email_of_a_closed_team_is_for_its_members(client, take_in, mailbox, bob, frank):
    team = Team.objects.create(name="Closed", is_closed=True)
    team.members.add(bob)
    Mailbox.objects.update(team=team)
    email = take_in(compose(X_Spam_Flag="YES"))
    page = f"/manage/received-emails/{email.pk}/"
    client.force_login(frank)
    assert client.get(page).status_code == client.get(f"{page}source/").status_code == 404
    client.force_login(bob)
    assert client.get(page).status_code == 200
    source = client.get(f"{page}source/")
    assert b"".join(source.streaming_content).startswith(b"From: Alice")
    assert "attachment" in source["Content-Disposition"]
    assert source["Content-Type"] == "application/octet-stream"
