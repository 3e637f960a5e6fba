"""Escalations are done once each, whoever looks and whoever dies."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from appliance.accounts.models import Membership, Team
from appliance.core.database import run_and_close_connection
from appliance.core.errors import BadInputError
from appliance.sla import services
from appliance.sla.models import Escalation, ScheduledEscalation, SlaMetric
from appliance.sla.services import timers
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Priority, Status

HOUR = timedelta(hours=1)
Action = Escalation.Action


@pytest.fixture
def policy(promise):
    """An answer within 2 hours, round the clock."""
    return promise(first_response_minutes=120, resolution_minutes=480)


@pytest.fixture
def escalate(policy, dan):
    """An escalation of the first answer; by default the admins are told."""

    def make(minutes: int = 0, action: str = Action.NOTIFY, **more: object) -> Escalation:
        more = {"metric": SlaMetric.FIRST_RESPONSE, "recipients": ["admins"]} | more
        return services.add_escalation(
            policy=policy, by=dan, minutes=minutes, action=action, **more
        )

    return make


def ago(hours: float):
    return timezone.now() - hours * HOUR


def recorded_escalations(ticket) -> list[dict]:
    return [event.data for event in ticket.events.filter(kind=Event.Kind.ESCALATED)]


def test_people_are_told_before_a_promise_is_broken(escalate, opened, dan):
    escalate(minutes=-30)
    ticket = opened(ago(1.6))
    assert services.escalate_due() == 1
    (said,) = recorded_escalations(ticket)
    assert said["notify"] == [dan.pk]
    assert said["warning"]
    assert said["due_at"] == ticket.due_at.isoformat()


def test_nothing_is_done_before_its_moment(escalate, opened):
    escalate(minutes=-30)
    opened(ago(1.4))
    assert services.escalate_due() == 0


def test_an_escalation_is_done_once(escalate, opened, alice, bob):
    escalate()
    ticket = opened(ago(2.1))
    services.escalate_due()
    tickets_services.set_status(ticket=ticket, status=Status.WAITING, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="Here.")
    services.escalate_due()
    assert len(recorded_escalations(ticket)) == 1


def test_the_priority_is_raised_and_never_lowered(escalate, opened):
    escalate(action=Action.PRIORITY, priority=Priority.HIGH)
    low, urgent = opened(ago(2.1)), opened(ago(2.1), priority=Priority.URGENT)
    services.escalate_due()
    low.refresh_from_db(), urgent.refresh_from_db()
    assert (low.priority, urgent.priority) == (Priority.HIGH, Priority.URGENT)
    assert low.events.get(kind=Event.Kind.PRIORITY).actor_name == "Skerry"


def test_the_ticket_is_handed_to_a_team_and_the_team_is_told(escalate, opened, bob):
    second = Team.objects.create(name="Second line")
    Membership.objects.create(team=second, user=bob)
    escalate(action=Action.REASSIGN, team=second, recipients=["team"])
    ticket = opened(ago(2.1))
    tickets_services.assign(ticket=ticket, assignee=bob, by=None)
    services.escalate_due()
    ticket.refresh_from_db()
    assert (ticket.team, ticket.assignee) == (second, None)
    assert recorded_escalations(ticket)[0]["notify"] == [bob.pk]


def test_what_cannot_be_done_is_said_and_not_tried_for_ever(escalate, opened, dan):
    gone = Team.objects.create(name="Gone")
    escalate(action=Action.REASSIGN, team=gone)
    ticket = opened(ago(2.1))
    Team.objects.update(is_active=False)
    assert services.escalate_due() == 1
    assert "is inactive" in recorded_escalations(ticket)[0]["failed"]
    assert services.escalate_due() == 0


def test_an_answer_in_time_calls_it_off(escalate, opened, bob):
    escalate()
    ticket = opened(ago(1))
    tickets_services.reply(ticket=ticket, by=bob, body="Coming.")
    assert not ScheduledEscalation.objects.filter(timer_id=ticket.pk).exists()


def test_waiting_for_the_customer_puts_it_off(escalate, opened, alice, bob):
    escalate()
    ticket = opened(ago(1))
    tickets_services.set_status(ticket=ticket, status=Status.WAITING, by=bob)
    assert not ScheduledEscalation.objects.exists()
    tickets_services.reply(ticket=ticket, by=alice, body="Here.")
    assert timezone.now() < ScheduledEscalation.objects.get().at < timezone.now() + HOUR


def test_history_that_is_brought_in_wakes_nobody(escalate, opened):
    escalate(minutes=-30)
    escalate(minutes=60)
    opened(ago(24 * 30))
    assert services.escalate_due() == 0


def test_a_policy_that_is_edited_wakes_nobody_for_what_is_past(escalate, policy, opened, dan):
    ticket = opened(ago(5))
    escalate()
    services.recompute_outdated_timers(seconds=5)
    assert services.escalate_due() == 0
    assert ScheduledEscalation.objects.get(timer_id=ticket.pk).was_skipped


def test_an_edited_policy_is_still_heard_when_its_time_comes(escalate, policy, opened):
    ticket = opened(ago(1))
    escalate()
    services.recompute_outdated_timers(seconds=5)
    assert ScheduledEscalation.objects.get(timer_id=ticket.pk, done_at=None).at == ticket.due_at


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"recipients": []}, "recipients"),
        ({"minutes": -120}, "minutes"),
        ({"action": Action.PRIORITY}, "priority"),
        ({"action": Action.REASSIGN}, "team"),
    ],
)
def test_an_escalation_that_makes_no_sense_is_refused(escalate, wrong, field):
    with pytest.raises(BadInputError) as refused:
        escalate(**wrong)
    assert refused.value.field == field


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_escalate_once(escalate, opened):
    escalate()
    found = [opened(ago(2.1)) for _ in range(5)]
    both = threading.Barrier(2)

    def work() -> None:
        both.wait()
        run_and_close_connection(services.escalate_due)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [len(recorded_escalations(ticket)) for ticket in found] == [1] * 5


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_half_way_leaves_it_to_the_next(escalate, opened, monkeypatch):
    escalate(action=Action.PRIORITY, priority=Priority.HIGH)
    ticket = opened(ago(2.1))

    def killed(**said):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(tickets_services, "record_escalation", killed)
        services.escalate_due()
    ticket.refresh_from_db()
    assert ticket.priority == Priority.NORMAL
    assert services.escalate_due() == 1
    assert len(recorded_escalations(ticket)) == 1


def test_escalation_that_breaks_keeps_no_other_from_its_turn(escalate, opened, monkeypatch):
    escalate(minutes=-30)
    first, second = opened(ago(1.7)), opened(ago(1.6))
    act = timers._apply_action

    def break_on_the_first(ticket, escalation):
        if ticket.pk == first.pk:
            raise RuntimeError("a fault")
        return act(ticket, escalation)

    monkeypatch.setattr(timers, "_apply_action", break_on_the_first)
    assert services.escalate_due() == 1
    assert not recorded_escalations(first) and recorded_escalations(second)
    monkeypatch.setattr(timers, "_apply_action", act)
    assert services.escalate_due() == 1
    assert recorded_escalations(first)
