"""The bell, the page, the preferences and the outbox, as people see them."""

import pytest
from django.core.checks import run_checks
from django.urls import reverse
from django.utils import timezone

from appliance.accounts.models import Team
from appliance.notifications import queries, services
from appliance.notifications.models import Kind, Notification, OutgoingEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


@pytest.fixture
def notice(ticket, bob) -> Notification:
    return Notification.objects.get_or_create(user=bob, ticket=ticket, read_at=None)[0]


def test_bell_counts_and_page_names_the_ticket(as_bob, notice, ticket):
    page = as_bob.get(reverse("notifications"))
    assert b'data-unread="1"' in page.content
    assert ticket.subject.encode() in page.content


def test_bell_answers_204_while_nothing_changes(as_bob, bob, dan, notice, ticket):
    since = queries.badge_generation(bob)
    assert as_bob.get(reverse("bell"), {"since": since}).status_code == 204
    tickets_services.set_priority(ticket=ticket, priority=4, by=dan)
    services.mark_seen(user=bob, ticket=ticket)
    fresh = queries.badge_generation(bob)
    assert since == fresh, "nothing is told before the transaction ends"


@pytest.mark.django_db(transaction=True)
def test_bell_changes_once_something_happens(ticket, bob, dan, client):
    client.force_login(bob)
    since = queries.badge_generation(bob)
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    answer = client.get(reverse("bell"), {"since": since})
    assert answer.status_code == 200 and b'data-unread="1"' in answer.content


def test_idle_bell_asks_the_database_only_who_looks(
    as_bob, bob, notice, django_assert_max_num_queries
):
    since = queries.badge_generation(bob)
    as_bob.get(reverse("bell"), {"since": since})  # the desk's own row is in the cache from now on
    with django_assert_max_num_queries(2):  # the session and the person
        as_bob.get(reverse("bell"), {"since": since})


def test_bell_goes_on_without_a_cache(dead_cache, as_bob, notice):
    assert b'data-unread="1"' in as_bob.get(reverse("bell")).content


def test_more_than_a_hundred_is_many(as_bob, bob, ticket):
    old = timezone.now()
    others = Ticket.objects.bulk_create(
        Ticket(customer=ticket.customer, subject="s", description="d") for _ in range(120)
    )
    Notification.objects.bulk_create(
        Notification(user=bob, ticket=one, kind=Kind.TEAM, at=old) for one in others
    )
    assert b"99+" in as_bob.get(reverse("notifications")).content


def test_page_goes_on_where_it_ended(as_bob, bob, ticket, django_assert_max_num_queries):
    others = Ticket.objects.bulk_create(
        Ticket(customer=ticket.customer, subject="s", description="d") for _ in range(60)
    )
    Notification.objects.bulk_create(
        Notification(user=bob, ticket=one, kind=Kind.TEAM) for one in others
    )
    as_bob.get(reverse("notifications"))  # the bell and the rights are in the cache from now on
    with django_assert_max_num_queries(6):
        first = as_bob.get(reverse("notifications")).context["page"]
    rest = as_bob.get(reverse("notifications"), {"after": first.next_cursor}).context["page"]
    pages = [one.pk for one in (*first.rows, *rest.rows)]
    assert len(pages) == len(set(pages)) == 61 and not rest.next_cursor


def test_hidden_ticket_is_neither_shown_nor_counted(as_bob, bob, notice, ticket):
    Ticket.objects.filter(pk=ticket.pk).update(team=Team.objects.create(name="T", is_closed=True))
    page = as_bob.get(reverse("notifications"))
    assert ticket.subject.encode() not in page.content
    assert b'data-unread="0"' in page.content


def test_one_notice_is_marked_read(as_bob, notice):
    as_bob.post(reverse("read-notice", args=[notice.pk]))
    notice.refresh_from_db()
    assert notice.read_at


def test_all_are_marked_read_and_nobody_elses(as_bob, bob, mei, notice):
    as_bob.post(reverse("read-notifications"))
    assert not Notification.objects.filter(user=bob, read_at=None).exists()
    assert Notification.objects.filter(user=mei, read_at=None).exists()


def test_preferences_begin_with_the_defaults_and_keep_what_is_chosen(as_bob, bob):
    page = as_bob.get(reverse("notice-preferences"))
    lines = page.context["form"].lines()
    form = {f"mail_{line['kind']}": "never" for line in lines}
    assert as_bob.post(reverse("notice-preferences"), form).status_code == 302
    chosen = queries.find_preference(bob)
    assert set(chosen.by_mail.values()) == {"never"}
    assert chosen.in_window["mentioned"] is False and not chosen.is_quiet_when_away


def test_customer_is_asked_only_about_answers(client, alice):
    client.force_login(alice)
    lines = client.get(reverse("notice-preferences")).context["form"].lines()
    assert [line["kind"] for line in lines] == [Kind.ANSWER, Kind.SOLVED]


def test_unknown_way_of_mail_is_refused(as_bob):
    answer = as_bob.post(reverse("notice-preferences"), {"mail_mentioned": "by_pigeon"})
    assert answer.status_code == 400


def test_outbox_shows_letters_and_says_that_they_wait(dan_client, ticket, bob, dan):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    page = dan_client.get(reverse("outbox"))
    assert b"nothing is sent" in page.content and b"bob@example.org" in page.content
    empty = dan_client.get(reverse("outbox"), {"state": "sent"})
    assert b"No e-mails match" in empty.content


def test_admin_stops_a_letter_and_lets_it_go_again(dan_client, ticket, bob, dan):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    email = OutgoingEmail.objects.get(user=bob)
    for page, state in [
        ("drop-mail", "dropped"),
        ("drop-mail", "dropped"),
        ("retry-mail", "waiting"),
    ]:
        dan_client.post(reverse(page, args=[email.pk]))
        email.refresh_from_db()
        assert email.state == state


def test_mail_server_without_an_address_is_a_mistake(settings):
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example", ""
    settings.SMTP_SECURITY = "sometimes"
    assert {"notifications.E001", "notifications.E002"} <= {found.id for found in run_checks()}
