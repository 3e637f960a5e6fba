"""Who is notified of which event, and who is not."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from appliance.accounts.models import Membership, Team
from appliance.core.models import SiteSettings
from appliance.notifications import services, texts
from appliance.notifications.models import Kind, Notification, OutgoingEmail
from appliance.notifications.queries import list_notifications
from appliance.notifications.services import set_preferences
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Mention, Status, Ticket
from appliance.tickets.services.events import lock, record


def unread_kinds(user) -> list[tuple[str, int]]:
    """Kind and count of the unread notifications of a user."""
    return list(
        Notification.objects.filter(user=user, read_at=None)
        .order_by("id")
        .values_list("kind", "count")
    )


@pytest.fixture
def no_notifications(ticket):
    """Delete what was notified when the ticket was created."""
    Notification.objects.all().delete()
    OutgoingEmail.objects.all().delete()


def test_new_ticket_without_a_team_notifies_all_agents(bob, mei, alice, ticket):
    assert unread_kinds(bob) == unread_kinds(mei) == [(Kind.TEAM, 1)]
    assert unread_kinds(alice) == []


def test_new_ticket_of_a_team_notifies_the_team(bob, mei, harbour, alice):
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="Crane", description="…", by=alice
    )
    Notification.objects.all().delete()
    Ticket.objects.filter(pk=ticket.pk).update(team=harbour)
    record(lock(ticket), Event.Kind.TEAM, None, name="Skerry")
    assert unread_kinds(bob) == [(Kind.TEAM, 1)]
    assert unread_kinds(mei) == []


def test_assignment_notifies_the_assignee_and_withdraws_from_the_others(bob, mei, dan, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    assert unread_kinds(bob) == [(Kind.ASSIGNED, 1)]
    assert unread_kinds(mei) == []


def test_nobody_is_notified_of_their_own_change(no_notifications, bob, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.add_note(ticket=ticket, by=bob, body="Mine.")
    tickets_services.set_status(ticket=ticket, status=Status.WAITING, by=bob)
    assert unread_kinds(bob) == []


def test_reply_of_the_customer_notifies_the_assignee_and_earlier_authors(
    no_notifications, bob, mei, dan, alice, ticket
):
    tickets_services.add_note(ticket=ticket, by=mei, body="Seen this before.")
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="Still broken.")
    assert unread_kinds(bob) == [(Kind.ANSWERED, 1)]
    assert unread_kinds(mei)[0][0] == Kind.WATCHED
    assert unread_kinds(dan) == unread_kinds(alice) == []


def test_reply_and_its_status_count_as_one_event(no_notifications, bob, dan, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=dan, body="On my way.", status=Status.WAITING)
    assert unread_kinds(bob) == [(Kind.CHANGED, 1)]


def test_mentioned_colleague_is_notified(no_notifications, bob, mei, ticket):
    message = tickets_services.add_note(ticket=ticket, by=bob, body="Can you look?")
    Mention.objects.get_or_create(message=message, user=mei)
    record(lock(ticket), Event.Kind.NOTED, bob, data={"message": message.pk})
    assert unread_kinds(mei) == [(Kind.MENTIONED, 1)]


def test_customer_is_notified_of_replies_and_the_solution_but_not_of_notes(
    no_notifications, bob, alice, ticket
):
    tickets_services.add_note(ticket=ticket, by=bob, body="Toner is wrong.")
    tickets_services.set_priority(ticket=ticket, priority=3, by=bob)
    assert unread_kinds(alice) == []
    tickets_services.reply(ticket=ticket, by=bob, body="Please try now.")
    assert unread_kinds(alice) == [(Kind.ANSWER, 1)]
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert unread_kinds(alice)[0][0] == Kind.SOLVED


def test_escalation_notifies_the_users_it_names(no_notifications, bob, mei, ticket):
    record(lock(ticket), Event.Kind.ESCALATED, None, name="Skerry", data={"notify": [mei.pk]})
    assert unread_kinds(mei) == [(Kind.ESCALATED, 1)]
    assert unread_kinds(bob) == []
    record(lock(ticket), Event.Kind.ESCALATED, None, name="Skerry", data={"warning": True})
    assert unread_kinds(bob) == [(Kind.WARNING, 1)]


def test_ticket_of_a_closed_team_notifies_nobody_outside_it(bob, mei, dan, alice, harbour, ticket):
    tickets_services.add_note(ticket=ticket, by=mei, body="I was here before it was closed.")
    Ticket.objects.filter(pk=ticket.pk).update(team=harbour)
    Notification.objects.all().delete()
    ticket.refresh_from_db()
    tickets_services.reply(ticket=ticket, by=alice, body="It is secret.")
    assert unread_kinds(mei) == []
    assert unread_kinds(bob) == [(Kind.TEAM, 1)]
    assert not OutgoingEmail.objects.filter(user=mei, body__contains="secret").exists()


def test_many_events_are_counted_in_one_unread_notification(no_notifications, bob, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    start = timezone.now() - timedelta(minutes=30)
    for minute in range(5):
        tickets_services.reply(
            ticket=ticket, by=alice, body="And?", at=start + timedelta(minutes=minute)
        )
    assert unread_kinds(bob) == [(Kind.ANSWERED, 5)]
    assert OutgoingEmail.objects.filter(user=bob, state="waiting").count() == 1


def test_event_after_reading_creates_a_new_notification(no_notifications, bob, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="One.")
    services.mark_ticket_read(user=bob, ticket=ticket)
    tickets_services.reply(ticket=ticket, by=alice, body="Two.")
    assert unread_kinds(bob) == [(Kind.ANSWERED, 1)]
    assert Notification.objects.filter(user=bob).count() == 2


def test_later_event_of_lower_priority_does_not_hide_a_mention(
    no_notifications, bob, mei, dan, alice, ticket
):
    tickets_services.assign(ticket=ticket, assignee=mei, by=mei)
    record(lock(ticket), Event.Kind.NOTED, bob, data={"mentions": [mei.pk]})
    tickets_services.set_priority(ticket=ticket, priority=4, by=dan)
    notification = Notification.objects.get(user=mei, read_at=None)
    assert (notification.kind, notification.actor_name, notification.count) == (
        Kind.MENTIONED,
        "Bob",
        2,
    )


def test_imported_history_notifies_nobody(bob, alice):
    tickets_services.create_ticket(
        customer=alice.customer,
        subject="Old",
        description="…",
        by=alice,
        at=timezone.now() - timedelta(days=3),
    )
    assert unread_kinds(bob) == []
    assert not OutgoingEmail.objects.exists()


def test_user_who_wants_no_notifications_gets_none(no_notifications, bob, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    set_preferences(
        user=bob,
        in_window={"answered": False},
        by_mail={"answered": "never"},
        is_quiet_when_away=True,
    )
    tickets_services.reply(ticket=ticket, by=alice, body="Hello?")
    assert unread_kinds(bob) == []
    assert not OutgoingEmail.objects.filter(user=bob).exists()


def test_user_who_is_away_gets_notifications_but_no_emails(no_notifications, bob, dan, ticket):
    bob.is_away = True
    bob.save()
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    assert unread_kinds(bob) == [(Kind.ASSIGNED, 1)]
    assert not OutgoingEmail.objects.filter(user=bob).exists()


def test_deactivated_agent_is_not_notified(no_notifications, bob, dan, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    Notification.objects.all().delete()
    bob.is_active = False
    bob.save()
    tickets_services.reply(ticket=ticket, by=alice, body="Hello?")
    assert unread_kinds(bob) == []


def test_notification_is_rolled_back_with_its_event(no_notifications, bob, dan, ticket):
    with suppress(RuntimeError), transaction.atomic():
        tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
        raise RuntimeError
    assert unread_kinds(bob) == []


def test_notifying_costs_the_same_however_many_recipients(
    ticket, alice, django_assert_max_num_queries
):
    from appliance.accounts.services import add_user

    team = Team.objects.create(name="Large")
    users = [
        add_user(email=f"a{n}@example.org", first_name="A", role="agent", password=None)
        for n in range(30)
    ]
    Membership.objects.bulk_create(Membership(team=team, user=user) for user in users)
    Ticket.objects.filter(pk=ticket.pk).update(team=team)
    event = Event.objects.create(
        ticket=Ticket.objects.select_related("customer", "team").get(pk=ticket.pk),
        kind=Event.Kind.TEAM,
        actor=None,
        actor_name="Skerry",
        data={},
    )
    with django_assert_max_num_queries(12):
        services.on_ticket_event(event)
    assert Notification.objects.filter(user__in=users).count() == 30


# --- housekeeping, and what a notification says


def lines(user) -> list[str]:
    """What the unread notifications of a user say."""
    unread = list_notifications(user, only_unread=True).order_by("pk")
    return [texts.notification_line(notification) for notification in unread]


@pytest.fixture
def bobs(no_notifications, ticket, bob) -> Ticket:
    """A ticket of Bob, on which Mei has written."""
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    return ticket


def test_closing_what_was_solved_long_ago_notifies_nobody(bobs, bob, mei, alice, dan):
    tickets_services.add_note(ticket=bobs, by=mei, body="Toner.")
    long_ago = timezone.now() - timedelta(days=30)
    tickets_services.set_status(ticket=bobs, status=Status.SOLVED, by=bob, at=long_ago)
    Notification.objects.all().delete()
    OutgoingEmail.objects.all().delete()
    SiteSettings.objects.update_or_create(pk=1, defaults={"close_solved_after_days": 7})
    assert tickets_services.close_solved_tickets() == 1
    assert not Notification.objects.exists() and not OutgoingEmail.objects.exists()


def test_ticket_whose_hold_is_over_tells_its_assignee_and_nobody_else(bobs, bob, mei, dan):
    tomorrow = timezone.now() + timedelta(days=1)
    tickets_services.hold_ticket(ticket=bobs, until=tomorrow, by=bob)
    Ticket.objects.filter(pk=bobs.pk).update(resume_at=timezone.now())
    assert tickets_services.resume_held_tickets() == 1
    assert lines(bob) == [
        "Skerry reopened the ticket, as the date until which it was on hold has come"
    ]
    assert lines(mei) == lines(dan) == []


def test_notification_says_what_changed(bobs, bob, mei, dan, categories):
    changes = {
        "Dan changed the priority from Normal to Urgent": lambda: tickets_services.set_priority(
            ticket=bobs, priority=4, by=dan
        ),
        "Dan changed the status from New to Open": lambda: tickets_services.set_status(
            ticket=bobs, status=Status.OPEN, by=dan
        ),
        "Dan changed the category from none to Hardware": (
            lambda: tickets_services.set_category(
                ticket=bobs, category=categories["hardware"], by=dan
            )
        ),
        "Dan added an internal note": lambda: tickets_services.add_note(
            ticket=bobs, by=dan, body="Toner."
        ),
        "Dan replied": lambda: tickets_services.reply(ticket=bobs, by=dan, body="Toner."),
        "Dan changed the assignee from Bob to Mei": lambda: tickets_services.assign(
            ticket=bobs, assignee=mei, by=dan
        ),
    }
    for line, change in changes.items():
        Notification.objects.all().delete()
        change()
        assert lines(bob) == [line]


def test_reply_is_named_rather_than_the_status_it_leaves(bobs, bob, dan):
    tickets_services.reply(ticket=bobs, by=dan, body="Try now.", status=Status.WAITING)
    assert lines(bob) == ["Dan replied"]


def test_note_on_a_followed_ticket_is_called_a_note(bobs, bob, mei):
    tickets_services.add_note(ticket=bobs, by=mei, body="Toner.")
    tickets_services.add_note(ticket=bobs, by=bob, body="Thanks.")
    assert lines(mei) == ["Bob added an internal note on a ticket you follow"]


def test_notification_names_no_number_of_another_ticket(bobs, bob, mei, dan, alice, harbour):
    secret = tickets_services.create_ticket(
        customer=alice.customer, subject="Crane", description="…", by=alice
    )
    tickets_services.set_team(ticket=secret, team=harbour, by=dan)
    tickets_services.assign(ticket=bobs, assignee=mei, by=mei)
    tickets_services.link_tickets(source=bobs, target=secret, kind="related", by=dan)
    assert str(secret.pk) not in lines(mei)[0]
    assert "SKR-…" in lines(mei)[0]


def test_email_says_what_changed(bobs, bob, dan):
    set_preferences(user=bob, in_window={}, by_mail={"changed": "at_once"}, is_quiet_when_away=True)
    tickets_services.set_priority(ticket=bobs, priority=4, by=dan)
    assert "Dan changed the priority from Normal to Urgent" in OutgoingEmail.objects.get().body
