"""Who hears of what, and who does not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliance.accounts.models import Membership, Team
from appliance.notifications import services
from appliance.notifications.models import Kind, Notification, OutgoingEmail
from appliance.notifications.services import set_preferences
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Mention, Status, Ticket
from appliance.tickets.services.events import lock, record


def kinds(user) -> list[tuple[str, int]]:
    """Kind and count of what somebody has not read yet."""
    return list(
        Notification.objects.filter(user=user, read_at=None)
        .order_by("id")
        .values_list("kind", "count")
    )


@pytest.fixture
def quiet(ticket):
    """Nobody has anything unread from the opening of the ticket."""
    Notification.objects.all().delete()
    OutgoingEmail.objects.all().delete()


def test_new_ticket_without_a_team_is_told_to_whoever_answers(bob, mei, alice, ticket):
    assert kinds(bob) == kinds(mei) == [(Kind.TEAM, 1)]
    assert kinds(alice) == []


def test_new_ticket_of_a_team_is_told_to_the_team(bob, mei, harbour, alice):
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="Crane", description="…", by=alice
    )
    Notification.objects.all().delete()
    Ticket.objects.filter(pk=ticket.pk).update(team=harbour)
    record(lock(ticket), Event.Kind.TEAM, None, name="Skerry")
    assert kinds(bob) == [(Kind.TEAM, 1)]
    assert kinds(mei) == []


def test_assignment_is_told_to_the_assignee_and_taken_back_from_the_others(bob, mei, dan, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    assert kinds(bob) == [(Kind.ASSIGNED, 1)]
    assert kinds(mei) == []


def test_nobody_is_told_of_their_own_act(quiet, bob, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.add_note(ticket=ticket, by=bob, body="Mine.")
    tickets_services.set_status(ticket=ticket, status=Status.WAITING, by=bob)
    assert kinds(bob) == []


def test_answer_of_the_customer_is_told_to_the_assignee_and_to_who_wrote(
    quiet, bob, mei, dan, alice, ticket
):
    tickets_services.add_note(ticket=ticket, by=mei, body="Seen this before.")
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="Still broken.")
    assert kinds(bob) == [(Kind.ANSWERED, 1)]
    assert kinds(mei)[0][0] == Kind.WATCHED
    assert kinds(dan) == kinds(alice) == []


def test_answer_and_the_status_it_leaves_are_one_act(quiet, bob, dan, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=dan, body="On my way.", status=Status.WAITING)
    assert kinds(bob) == [(Kind.CHANGED, 1)]


def test_mentioned_colleague_is_told(quiet, bob, mei, ticket):
    message = tickets_services.add_note(ticket=ticket, by=bob, body="Can you look?")
    Mention.objects.get_or_create(message=message, user=mei)
    record(lock(ticket), Event.Kind.NOTED, bob, data={"message": message.pk})
    assert kinds(mei) == [(Kind.MENTIONED, 1)]


def test_customer_hears_of_answers_and_the_solution_but_not_of_notes(quiet, bob, alice, ticket):
    tickets_services.add_note(ticket=ticket, by=bob, body="Toner is wrong.")
    tickets_services.set_priority(ticket=ticket, priority=3, by=bob)
    assert kinds(alice) == []
    tickets_services.reply(ticket=ticket, by=bob, body="Please try now.")
    assert kinds(alice) == [(Kind.ANSWER, 1)]
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert kinds(alice)[0][0] == Kind.SOLVED


def test_escalation_names_whom_to_tell(quiet, bob, mei, ticket):
    record(lock(ticket), Event.Kind.ESCALATED, None, name="Skerry", data={"notify": [mei.pk]})
    assert kinds(mei) == [(Kind.ESCALATED, 1)]
    assert kinds(bob) == []
    record(lock(ticket), Event.Kind.ESCALATED, None, name="Skerry", data={"warning": True})
    assert kinds(bob) == [(Kind.WARNING, 1)]


def test_closed_team_is_told_to_nobody_outside_it(bob, mei, dan, alice, harbour, ticket):
    tickets_services.add_note(ticket=ticket, by=mei, body="I was here before it was closed.")
    Ticket.objects.filter(pk=ticket.pk).update(team=harbour)
    Notification.objects.all().delete()
    ticket.refresh_from_db()
    tickets_services.reply(ticket=ticket, by=alice, body="It is secret.")
    assert kinds(mei) == []
    assert kinds(bob) == [(Kind.TEAM, 1)]
    assert not OutgoingEmail.objects.filter(user=mei, body__contains="secret").exists()


def test_many_events_fold_into_one_unread_notice(quiet, bob, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    start = timezone.now() - timedelta(minutes=30)
    for minute in range(5):
        tickets_services.reply(
            ticket=ticket, by=alice, body="And?", at=start + timedelta(minutes=minute)
        )
    assert kinds(bob) == [(Kind.ANSWERED, 5)]
    assert OutgoingEmail.objects.filter(user=bob, state="waiting").count() == 1


def test_after_reading_a_new_notice_begins(quiet, bob, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="One.")
    services.mark_seen(user=bob, ticket=ticket)
    tickets_services.reply(ticket=ticket, by=alice, body="Two.")
    assert kinds(bob) == [(Kind.ANSWERED, 1)]
    assert Notification.objects.filter(user=bob).count() == 2


def test_lighter_event_does_not_hide_the_mention_before_it(quiet, bob, mei, dan, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=mei, by=mei)
    record(lock(ticket), Event.Kind.NOTED, bob, data={"mentions": [mei.pk]})
    tickets_services.set_priority(ticket=ticket, priority=4, by=dan)
    notice = Notification.objects.get(user=mei, read_at=None)
    assert (notice.kind, notice.actor_name, notice.count) == (Kind.MENTIONED, "Bob", 2)


def test_history_that_is_brought_in_tells_nobody(bob, alice):
    tickets_services.create_ticket(
        customer=alice.customer,
        subject="Old",
        description="…",
        by=alice,
        at=timezone.now() - timedelta(days=3),
    )
    assert kinds(bob) == []
    assert not OutgoingEmail.objects.exists()


def test_whoever_wants_no_notice_gets_none(quiet, bob, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    set_preferences(
        user=bob,
        in_window={"answered": False},
        by_mail={"answered": "never"},
        is_quiet_when_away=True,
    )
    tickets_services.reply(ticket=ticket, by=alice, body="Hello?")
    assert kinds(bob) == []
    assert not OutgoingEmail.objects.filter(user=bob).exists()


def test_whoever_is_away_gets_notices_but_no_mail(quiet, bob, dan, ticket):
    bob.is_away = True
    bob.save()
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    assert kinds(bob) == [(Kind.ASSIGNED, 1)]
    assert not OutgoingEmail.objects.filter(user=bob).exists()


def test_deactivated_agent_is_told_nothing(quiet, bob, dan, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    Notification.objects.all().delete()
    bob.is_active = False
    bob.save()
    tickets_services.reply(ticket=ticket, by=alice, body="Hello?")
    assert kinds(bob) == []


def test_notice_falls_with_the_event_it_follows_from(quiet, bob, dan, ticket):
    from django.db import transaction

    with pytest.raises(RuntimeError), transaction.atomic():
        tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
        raise RuntimeError
    assert kinds(bob) == []


def test_telling_costs_the_same_however_many_are_told(ticket, alice, django_assert_max_num_queries):
    from appliance.accounts.services import add_user

    team = Team.objects.create(name="Large")
    people = [
        add_user(email=f"a{n}@example.org", first_name="A", role="agent", password=None)
        for n in range(30)
    ]
    Membership.objects.bulk_create(Membership(team=team, user=one) for one in people)
    Ticket.objects.filter(pk=ticket.pk).update(team=team)
    event = Event(
        ticket=Ticket.objects.select_related("customer", "team").get(pk=ticket.pk),
        kind=Event.Kind.TEAM,
        actor=None,
        actor_name="Skerry",
        pk=0,
        data={},
    )
    with django_assert_max_num_queries(12):
        services.on_ticket_event(event)
    assert Notification.objects.filter(user__in=people).count() == 30
