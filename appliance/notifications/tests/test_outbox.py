"""Letters: written once, folded, claimed by one, tried again, never to somebody who may not."""

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
    """Bob is told by mail that Dan gave him the ticket; it may go now."""
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    make_due()
    return OutgoingEmail.objects.get(user=bob)


def make_due() -> None:
    OutgoingEmail.objects.update(not_before=timezone.now() - timedelta(seconds=1))


def queue(key: str = "one", **more: object) -> OutgoingEmail:
    return queue_email(to="pia@example.org", subject="Hello", body="Words.", key=key, **more)


def breaks_with(monkeypatch, error: Exception) -> None:
    def refuse(self, messages):
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)


def test_same_key_is_one_letter(db):
    assert queue() == queue()
    assert OutgoingEmail.objects.count() == 1


def test_without_a_mail_server_letters_wait(email):
    assert services.send_due() == 0
    email.refresh_from_db()
    assert (email.state, email.attempts) == ("waiting", 0)


def test_letter_names_the_desk_and_links_where_the_desk_says(smtp, email, ticket):
    SiteSettings.objects.update_or_create(pk=1, defaults={"base_url": "https://desk.example/"})
    assert services.send_due() == 1
    sent = mail.outbox[0]
    assert sent.to == ["bob@example.org"] and ticket.number in sent.subject
    assert f"https://desk.example/tickets/{ticket.pk}/" in sent.body
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert sent.extra_headers["Message-ID"] == email.message_id


def test_letter_of_a_desk_without_an_address_has_no_link(smtp, email):
    services.send_due()
    assert "://" not in mail.outbox[0].body


def test_letter_is_sent_once(smtp, email):
    assert (services.send_due(), services.send_due()) == (1, 0)
    email.refresh_from_db()
    assert email.state == "sent" and email.sent_at


def test_letter_waits_a_little_for_what_else_happens(smtp, ticket, bob, dan):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    assert services.send_due() == 0
    tickets_services.add_note(ticket=ticket, by=dan, body="The *new* toner.")
    email = OutgoingEmail.objects.get(user=bob)
    assert "assigned this ticket to you" in email.body


def test_customer_reads_the_answer_in_the_letter(smtp, ticket, bob, alice):
    tickets_services.reply(ticket=ticket, by=bob, body="Turn it\noff and on.", status=Status.SOLVED)
    make_due()
    services.send_due()
    body = next(one.body for one in mail.outbox if one.to == [alice.email])
    assert "Hello Alice" in body and "> Turn it\n> off and on." in body
    assert "solved your ticket" in body


def test_two_workers_send_two_letters(transactional_db, smtp):
    for n in range(6):
        queue(f"n{n}")

    def claim_all(_):
        found = []
        while one := delivery.claim():
            found.append(one.pk)
        connection.close()
        return found

    with ThreadPoolExecutor(2) as pool:
        claimed = [pk for found in pool.map(claim_all, range(2)) for pk in found]
    wait_for_background_threads()
    assert sorted(claimed) == sorted(set(claimed)) and len(claimed) == 6


def test_claim_of_a_worker_that_died_runs_out(smtp, db):
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


def test_server_that_is_away_is_tried_again_later_and_later(smtp, db, monkeypatch):
    breaks_with(monkeypatch, ConnectionRefusedError("nobody there"))
    pauses = []
    for _ in range(3):
        queue()
        make_due()
        assert services.send_due() == 0
        email = OutgoingEmail.objects.get()
        pauses.append(round((email.not_before - timezone.now()).total_seconds() / 60))
    assert pauses == [1, 2, 4]
    assert email.state == "waiting" and "nobody there" in email.reason


def test_server_that_is_away_holds_up_the_worker_once(smtp, db, monkeypatch):
    breaks_with(monkeypatch, TimeoutError())
    queue("a"), queue("b")
    services.send_due()
    assert OutgoingEmail.objects.filter(attempts=1).count() == 1


def test_after_ten_tries_it_is_given_up(smtp, db, monkeypatch):
    breaks_with(monkeypatch, ConnectionRefusedError())
    queue()
    for _ in range(10):
        make_due()
        services.send_due()
    assert OutgoingEmail.objects.get().state == "failed"


def test_refused_for_good_is_given_up_and_the_next_is_sent(smtp, db, monkeypatch):
    refused = smtplib.SMTPRecipientsRefused({"pia@example.org": (550, b"no such user")})
    breaks_with(monkeypatch, refused)
    queue("a"), queue("b")
    services.send_due()
    assert set(OutgoingEmail.objects.values_list("state", flat=True)) == {"failed"}
    assert "no such user" in OutgoingEmail.objects.first().reason


def test_refused_for_now_is_tried_again(smtp, db, monkeypatch):
    breaks_with(monkeypatch, smtplib.SMTPRecipientsRefused({"pia@example.org": (450, b"busy")}))
    queue()
    services.send_due()
    assert OutgoingEmail.objects.get().state == "waiting"


def test_ticket_that_went_to_a_closed_team_is_not_sent_any_more(smtp, email, ticket, mei):
    team = Team.objects.create(name="Closed", is_closed=True)
    Ticket.objects.filter(pk=ticket.pk).update(team=team)
    assert services.send_due() == 0
    email.refresh_from_db()
    assert email.state == "dropped" and mail.outbox == []


def test_digest_leaves_out_what_was_closed_meanwhile(smtp, bob, alice):
    team = Team.objects.create(name="Closed", is_closed=True)
    tickets = [_answered(alice, bob, f"Printer {n}") for n in range(3)]
    make_due()
    assert services.build_digests() == 1
    Ticket.objects.filter(pk=tickets[0].pk).update(team=team)
    assert services.send_due() == 1
    assert "Printer 1" in mail.outbox[0].body and "Printer 0" not in mail.outbox[0].body


def _answered(alice, bob, subject: str) -> Ticket:
    """A ticket of Bob's on which Alice has answered: news for the hour."""
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject=subject, description="…", by=alice
    )
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="And?")
    return ticket


def test_hourly_news_is_one_letter(smtp, bob, alice):
    for n in range(4):
        _answered(alice, bob, f"Printer {n}")
    assert services.build_digests() == 0, "the hour is not over"
    make_due()
    assert (services.build_digests(), services.build_digests()) == (1, 0)
    assert services.send_due() == 1
    assert mail.outbox[0].subject == "Updates on 4 tickets"


def test_single_news_of_the_hour_goes_as_it_is(smtp, bob, alice):
    ticket = _answered(alice, bob, "Printer")
    make_due()
    services.build_digests()
    assert services.send_due() == 1
    assert mail.outbox[0].subject == f"[{ticket.number}] Printer"


def test_storm_becomes_a_digest(bob, dan, alice):
    for n in range(emails.MAX_PER_HOUR + 3):
        ticket = tickets_services.create_ticket(
            customer=alice.customer, subject=f"{n}", description="…", by=alice
        )
        tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    of_bob = OutgoingEmail.objects.filter(user=bob)
    assert of_bob.filter(is_for_digest=False).count() == emails.MAX_PER_HOUR
    assert of_bob.filter(is_for_digest=True).count() == 3


def test_urgent_news_does_not_wait_for_the_hour(bob, dan, alice):
    ticket = _answered(alice, bob, "Printer")
    tickets_services.assign(ticket=ticket, assignee=None, by=bob)
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    email = OutgoingEmail.objects.get(user=bob, state="waiting")
    assert not email.is_for_digest and "assigned this ticket to you" in email.body


def test_what_an_agent_has_read_on_the_desk_is_not_sent(smtp, email, ticket, bob):
    services.mark_seen(user=bob, ticket=ticket)
    assert services.send_due() == 0
    email.refresh_from_db()
    assert email.state == "dropped"


def test_automatic_act_makes_no_mail(ticket, bob, dan):
    from appliance.tickets.models import Event
    from appliance.tickets.services.events import lock, record

    Notification.objects.all().delete()
    data = {"notify": [bob.pk], "automatic": True}
    record(lock(ticket), Event.Kind.ESCALATED, None, name="Skerry", data=data)
    assert Notification.objects.filter(user=bob).exists()
    assert not OutgoingEmail.objects.filter(user=bob).exists()


def test_nothing_is_sent_to_the_desk_itself(smtp, db):
    queue_email(to="DESK@example.org", subject="Loop", body="…", key="loop")
    assert services.send_due() == 0
    assert OutgoingEmail.objects.get().state == "dropped"


def test_line_break_in_a_subject_makes_no_header(smtp, db):
    queue_email(to="pia@example.org", subject="A\r\nBcc: all@example.org", body="…", key="x")
    assert services.send_due() == 1
    assert mail.outbox[0].recipients() == ["pia@example.org"]


def test_old_letters_go_and_what_waited_too_long_is_not_sent(email):
    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(days=4))
    services.tidy()
    email.refresh_from_db()
    assert email.state == "dropped"
    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(days=31))
    services.tidy()
    assert not OutgoingEmail.objects.exists()


def test_old_notices_go_and_fresh_ones_stay(bob, mei, ticket):
    Notification.objects.filter(user=mei).update(at=timezone.now() - timedelta(days=181))
    services.tidy()
    assert list(Notification.objects.values_list("user", flat=True)) == [bob.pk]


def test_anonymous_people_leave_no_address_in_the_outbox(email, bob):
    services.erase_addresses(users=[bob.pk], emails=["pia@example.org"])
    email.refresh_from_db()
    assert (email.to, email.subject, email.body, email.state) == ("", "", "", "dropped")
    assert not Notification.objects.filter(user=bob).exists()


def test_team_letter_is_taken_back_when_somebody_takes_the_ticket(ticket, bob, mei):
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
