"""The badge, the page of notifications, their settings and the outbox, as users see them."""

import pytest
from django.core.checks import run_checks
from django.urls import reverse
from django.utils import timezone

from appliance.accounts.models import Team
from appliance.notifications import badge, queries, services
from appliance.notifications.models import Kind, Notification, OutgoingEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


@pytest.fixture
def notification(ticket, bob) -> Notification:
    return Notification.objects.get_or_create(user=bob, ticket=ticket, read_at=None)[0]


def test_badge_counts_and_page_names_the_ticket(as_bob, notification, ticket):
    page = as_bob.get(reverse("notifications"))
    assert b'data-unread="1"' in page.content
    assert ticket.subject.encode() in page.content


def test_badge_answers_204_while_nothing_changes(as_bob, bob, dan, notification, ticket):
    since = badge.generation(bob)
    assert as_bob.get(reverse("notification-badge"), {"since": since}).status_code == 204
    tickets_services.set_priority(ticket=ticket, priority=4, by=dan)
    services.mark_ticket_read(user=bob, ticket=ticket)
    assert badge.generation(bob) == since, "the badge changes when the transaction ends"


@pytest.mark.django_db(transaction=True)
def test_badge_changes_after_an_event(ticket, bob, dan, client):
    client.force_login(bob)
    since = badge.generation(bob)
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    response = client.get(reverse("notification-badge"), {"since": since})
    assert response.status_code == 200 and b'data-unread="1"' in response.content


def test_unchanged_badge_costs_only_the_session_and_the_user(
    as_bob, bob, notification, django_assert_max_num_queries
):
    since = badge.generation(bob)
    as_bob.get(reverse("notification-badge"), {"since": since})  # caches the site settings
    with django_assert_max_num_queries(2):
        as_bob.get(reverse("notification-badge"), {"since": since})


def test_badge_works_without_a_cache(dead_cache, as_bob, notification):
    assert b'data-unread="1"' in as_bob.get(reverse("notification-badge")).content


def test_badge_counts_up_to_99(as_bob, bob, ticket):
    old = timezone.now()
    others = Ticket.objects.bulk_create(
        Ticket(customer=ticket.customer, subject="s", description="d") for _ in range(120)
    )
    Notification.objects.bulk_create(
        Notification(user=bob, ticket=other, kind=Kind.TEAM, at=old) for other in others
    )
    assert b"99+" in as_bob.get(reverse("notifications")).content


def test_second_page_starts_after_the_first(as_bob, bob, ticket, django_assert_max_num_queries):
    others = Ticket.objects.bulk_create(
        Ticket(customer=ticket.customer, subject="s", description="d") for _ in range(60)
    )
    Notification.objects.bulk_create(
        Notification(user=bob, ticket=other, kind=Kind.TEAM) for other in others
    )
    as_bob.get(reverse("notifications"))  # caches badge and rights
    with django_assert_max_num_queries(6):
        first = as_bob.get(reverse("notifications")).context["page"]
    second = as_bob.get(reverse("notifications"), {"after": first.next_cursor}).context["page"]
    pks = [notification.pk for notification in (*first.rows, *second.rows)]
    assert len(pks) == len(set(pks)) == 61 and not second.next_cursor


def test_hidden_ticket_is_neither_shown_nor_counted(as_bob, bob, notification, ticket):
    Ticket.objects.filter(pk=ticket.pk).update(team=Team.objects.create(name="T", is_closed=True))
    page = as_bob.get(reverse("notifications"))
    assert ticket.subject.encode() not in page.content
    assert b'data-unread="0"' in page.content


def test_user_marks_a_notification_as_read(as_bob, notification):
    as_bob.post(reverse("mark-notification-read", args=[notification.pk]))
    notification.refresh_from_db()
    assert notification.read_at


def test_user_marks_all_own_notifications_as_read(as_bob, bob, mei, notification):
    as_bob.post(reverse("mark-notifications-read"))
    assert not Notification.objects.filter(user=bob, read_at=None).exists()
    assert Notification.objects.filter(user=mei, read_at=None).exists()


def test_settings_start_with_the_defaults_and_are_saved(as_bob, bob):
    page = as_bob.get(reverse("notification-settings"))
    form = {f"mail_{kind}": "never" for kind in page.context["form"].kinds}
    assert as_bob.post(reverse("notification-settings"), form).status_code == 302
    preference = queries.find_preference(bob)
    assert set(preference.by_mail.values()) == {"never"}
    assert preference.in_window["mentioned"] is False and not preference.is_quiet_when_away


def test_customer_chooses_only_about_replies(client, alice):
    client.force_login(alice)
    form = client.get(reverse("notification-settings")).context["form"]
    assert form.kinds == (Kind.ANSWER, Kind.SOLVED)


def test_unknown_email_frequency_is_rejected(as_bob):
    response = as_bob.post(reverse("notification-settings"), {"mail_mentioned": "by_pigeon"})
    assert response.status_code == 400


def test_outbox_shows_waiting_emails_and_that_no_server_is_configured(dan_client, ticket, bob, dan):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    page = dan_client.get(reverse("outbox"))
    assert b"nothing is sent" in page.content and b"bob@example.org" in page.content
    empty = dan_client.get(reverse("outbox"), {"state": "sent"})
    assert b"No e-mails match" in empty.content


def test_admin_cancels_and_retries_an_email(dan_client, ticket, bob, dan):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    email = OutgoingEmail.objects.get(user=bob)
    for url_name, state in [
        ("cancel-email", "dropped"),
        ("cancel-email", "dropped"),
        ("retry-email", "waiting"),
    ]:
        dan_client.post(reverse(url_name, args=[email.pk]))
        email.refresh_from_db()
        assert email.state == state


def test_mail_server_without_sender_address_fails_the_system_check(settings):
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example", ""
    settings.SMTP_SECURITY = "sometimes"
    assert {"notifications.E001", "notifications.E002"} <= {error.id for error in run_checks()}
