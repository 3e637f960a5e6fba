"""E-mails: queued once, put into digests, claimed by one worker, retried, dropped."""

import smtplib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone

from appliance.accounts.models import Membership, Team
from appliance.core.models import SiteSettings
from appliance.notifications import services
from appliance.notifications.models import Notification, OutgoingEmail
from appliance.notifications.services import delivery, emails, queue_email
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from tests.conftest import wait_for_background_threads


@pytest.fixture
def email(ticket, bob, dan) -> OutgoingEmail:
    """An e-mail to Bob that Dan assigned the ticket to him; it is due."""
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    make_due()
    return OutgoingEmail.objects.get(user=bob)


def make_due() -> None:
    OutgoingEmail.objects.update(not_before=timezone.now() - timedelta(seconds=1))


def queue(key: str = "a", **more: object) -> OutgoingEmail:
    return queue_email(to="pia@example.org", subject="Hello", body="Words.", key=key, **more)


def fail_with(monkeypatch, error: Exception) -> None:
    def raise_error(self, messages):
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", raise_error)


def test_same_key_is_queued_once(db):
    assert queue() == queue()
    assert OutgoingEmail.objects.count() == 1


def test_emails_wait_without_a_mail_server(email):
    assert services.send_due() == 0
    email.refresh_from_db()
    assert (email.state, email.attempts) == ("waiting", 0)


def test_email_links_to_the_address_of_the_site(smtp, email, ticket):
    SiteSettings.objects.update_or_create(pk=1, defaults={"base_url": "https://desk.example/"})
    assert services.send_due() == 1
    message = mail.outbox[0]
    assert message.to == ["bob@example.org"] and ticket.number in message.subject
    assert f"https://desk.example/tickets/{ticket.pk}/" in message.body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert message.extra_headers["Message-ID"] == email.message_id


def test_email_of_a_site_without_address_has_no_link(smtp, email):
    services.send_due()
    assert "://" not in mail.outbox[0].body


def test_email_is_sent_once(smtp, email):
    assert (services.send_due(), services.send_due()) == (1, 0)
    email.refresh_from_db()
    assert email.state == "sent" and email.sent_at


def test_email_waits_for_further_events(smtp, ticket, bob, dan):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    assert services.send_due() == 0
    tickets_services.add_note(ticket=ticket, by=dan, body="The *new* toner.")
    email = OutgoingEmail.objects.get(user=bob)
    assert "assigned this ticket to you" in email.body


def test_customer_gets_the_reply_by_email(smtp, ticket, bob, alice):
    tickets_services.reply(ticket=ticket, by=bob, body="Turn it\noff and on.", status=Status.SOLVED)
    make_due()
    services.send_due()
    body = next(message.body for message in mail.outbox if message.to == [alice.email])
    assert "Hello Alice" in body and "Turn it\noff and on." in body
    assert "solved your ticket" in body


def test_two_workers_claim_different_emails(transactional_db, smtp):
    for n in range(6):
        queue(f"n{n}")

    def claim_all(_):
        pks = []
        while email := delivery.claim():
            pks.append(email.pk)
        connection.close()
        return pks

    with ThreadPoolExecutor(2) as pool:
        claimed = [pk for pks in pool.map(claim_all, range(2)) for pk in pks]
    wait_for_background_threads()
    assert sorted(claimed) == sorted(set(claimed)) and len(claimed) == 6


def test_claim_of_a_dead_worker_expires(smtp, db):
    queue()
    delivery.claim()
    assert delivery.claim() is None
    OutgoingEmail.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert delivery.claim().attempts == 2


def test_late_worker_does_not_overwrite_the_next_one(smtp, db):
    queue()
    late = delivery.claim()
    OutgoingEmail.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    delivery.set_state(delivery.claim(), "sent")
    delivery.set_state(late, "failed", reason="too late")
    assert OutgoingEmail.objects.get().state == "sent"


def test_unavailable_server_is_retried_with_growing_pauses(smtp, db, monkeypatch):
    fail_with(monkeypatch, ConnectionRefusedError("nobody there"))
    pauses = []
    for _ in range(3):
        queue()
        make_due()
        assert services.send_due() == 0
        email = OutgoingEmail.objects.get()
        pauses.append(round((email.not_before - timezone.now()).total_seconds() / 60))
    assert pauses == [1, 2, 4]
    assert email.state == "waiting" and "Nothing listens on port 587" in email.reason


def test_unavailable_server_is_tried_once_a_run(smtp, db, monkeypatch):
    fail_with(monkeypatch, TimeoutError())
    queue("a"), queue("b")
    services.send_due()
    assert OutgoingEmail.objects.filter(attempts=1).count() == 1


def test_email_fails_after_ten_attempts(smtp, db, monkeypatch):
    fail_with(monkeypatch, ConnectionRefusedError())
    queue()
    for _ in range(10):
        make_due()
        services.send_due()
    assert OutgoingEmail.objects.get().state == "failed"


def test_permanent_refusal_fails_the_email_and_not_the_run(smtp, db, monkeypatch):
    refusal = smtplib.SMTPRecipientsRefused({"pia@example.org": (550, b"no such user")})
    fail_with(monkeypatch, refusal)
    queue("a"), queue("b")
    services.send_due()
    assert set(OutgoingEmail.objects.values_list("state", flat=True)) == {"failed"}
    assert "no such user" in OutgoingEmail.objects.first().reason


def test_temporary_refusal_is_retried(smtp, db, monkeypatch):
    fail_with(monkeypatch, smtplib.SMTPRecipientsRefused({"pia@example.org": (450, b"busy")}))
    queue()
    services.send_due()
    assert OutgoingEmail.objects.get().state == "waiting"


def test_email_about_a_ticket_of_a_closed_team_is_dropped(smtp, email, ticket, mei):
    team = Team.objects.create(name="Closed", is_closed=True)
    Ticket.objects.filter(pk=ticket.pk).update(team=team)
    assert services.send_due() == 0
    email.refresh_from_db()
    assert email.state == "dropped" and mail.outbox == []


def test_digest_leaves_out_tickets_the_reader_can_no_longer_see(smtp, bob, alice):
    team = Team.objects.create(name="Closed", is_closed=True)
    tickets = [answered_ticket(alice, bob, f"Printer {n}") for n in range(3)]
    make_due()
    assert services.build_digests() == 1
    Ticket.objects.filter(pk=tickets[0].pk).update(team=team)
    assert services.send_due() == 1
    assert "Printer 1" in mail.outbox[0].body and "Printer 0" not in mail.outbox[0].body


def answered_ticket(alice, bob, subject: str) -> Ticket:
    """Bob's ticket with a reply of Alice, which goes into his hourly digest."""
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject=subject, description="…", by=alice
    )
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="And?")
    return ticket


def test_events_of_an_hour_are_one_digest(smtp, bob, alice):
    for n in range(4):
        answered_ticket(alice, bob, f"Printer {n}")
    assert services.build_digests() == 0, "the hour is not over"
    make_due()
    assert (services.build_digests(), services.build_digests()) == (1, 0)
    assert services.send_due() == 1
    assert mail.outbox[0].subject == "Updates on 4 tickets"


def test_single_event_of_an_hour_is_sent_without_a_digest(smtp, bob, alice):
    ticket = answered_ticket(alice, bob, "Printer")
    make_due()
    services.build_digests()
    assert services.send_due() == 1
    assert mail.outbox[0].subject == f"[{ticket.number}] Printer"


def test_emails_over_the_hourly_limit_become_a_digest(bob, dan, alice):
    for n in range(emails.MAX_PER_HOUR + 3):
        ticket = tickets_services.create_ticket(
            customer=alice.customer, subject=f"{n}", description="…", by=alice
        )
        tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    emails_to_bob = OutgoingEmail.objects.filter(user=bob)
    assert emails_to_bob.filter(is_for_digest=False).count() == emails.MAX_PER_HOUR
    assert emails_to_bob.filter(is_for_digest=True).count() == 3


def test_urgent_event_does_not_wait_for_the_digest(bob, dan, alice):
    ticket = answered_ticket(alice, bob, "Printer")
    tickets_services.assign(ticket=ticket, assignee=None, by=bob)
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    email = OutgoingEmail.objects.get(user=bob, state="waiting")
    assert not email.is_for_digest and "assigned this ticket to you" in email.body


def test_email_about_a_ticket_the_agent_has_read_is_dropped(smtp, email, ticket, bob):
    services.mark_ticket_read(user=bob, ticket=ticket)
    assert services.send_due() == 0
    email.refresh_from_db()
    assert email.state == "dropped"


def test_automatic_change_sends_no_email(ticket, bob, dan):
    from appliance.tickets.models import Event
    from appliance.tickets.services.events import lock, record

    Notification.objects.all().delete()
    data = {"notify": [bob.pk], "automatic": True}
    record(lock(ticket), Event.Kind.ESCALATED, None, name="Skerry", data=data)
    assert Notification.objects.filter(user=bob).exists()
    assert not OutgoingEmail.objects.filter(user=bob).exists()


def test_email_to_the_sender_address_is_dropped(smtp, db):
    queue_email(to="DESK@example.org", subject="Loop", body="…", key="loop")
    assert services.send_due() == 0
    assert OutgoingEmail.objects.get().state == "dropped"


def test_line_break_in_a_subject_adds_no_header(smtp, db):
    queue_email(to="pia@example.org", subject="A\r\nBcc: all@example.org", body="…", key="x")
    assert services.send_due() == 1
    assert mail.outbox[0].recipients() == ["pia@example.org"]


def test_purge_drops_emails_that_waited_too_long_and_deletes_old_ones(email):
    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(days=4))
    services.purge()
    email.refresh_from_db()
    assert email.state == "dropped"
    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(days=31))
    services.purge()
    assert not OutgoingEmail.objects.exists()


def test_purge_deletes_old_notifications_only(bob, mei, ticket):
    Notification.objects.filter(user=mei).update(at=timezone.now() - timedelta(days=181))
    services.purge()
    assert list(Notification.objects.values_list("user", flat=True)) == [bob.pk]


def test_anonymised_user_leaves_no_address_in_the_outbox(email, bob):
    services.erase_addresses(user_ids=[bob.pk], addresses=["pia@example.org"])
    email.refresh_from_db()
    assert (email.to, email.subject, email.body, email.state) == ("", "", "", "dropped")
    assert not Notification.objects.filter(user=bob).exists()


def test_email_to_the_team_is_dropped_when_the_ticket_is_assigned(ticket, bob, mei):
    from appliance.notifications.services import set_preferences

    set_preferences(user=mei, in_window={}, by_mail={"team": "at_once"}, is_quiet_when_away=True)
    team = Team.objects.create(name="Ward")
    Membership.objects.create(team=team, user=mei)
    other = tickets_services.create_ticket(
        customer=ticket.customer, subject="s", description="d", by=ticket.customer.user
    )
    assert OutgoingEmail.objects.get(user=mei, ticket=other).state == "waiting"
    tickets_services.assign(ticket=other, assignee=bob, by=bob)
    assert OutgoingEmail.objects.get(user=mei, ticket=other).state == "dropped"
