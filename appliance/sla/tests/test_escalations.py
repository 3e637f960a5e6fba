"""Each escalation is carried out once, with concurrent and with killed workers."""

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
def policy(add_policy):
    """Return a policy with 2 h to first response, round the clock."""
    return add_policy(first_response_minutes=120, resolution_minutes=480)


@pytest.fixture
def add_escalation(policy, dan):
    """Return a function that adds an escalation of the first response, notifying the admins."""

    def add(minutes: int = 0, action: str = Action.NOTIFY, **more: object) -> Escalation:
        more = {"metric": SlaMetric.FIRST_RESPONSE, "recipients": ["admins"]} | more
        return services.add_escalation(
            policy=policy, by=dan, minutes=minutes, action=action, **more
        )

    return add


def ago(hours: float):
    return timezone.now() - hours * HOUR


def recorded_escalations(ticket) -> list[dict]:
    return [event.data for event in ticket.events.filter(kind=Event.Kind.ESCALATED)]


def test_recipients_are_notified_before_a_target_is_missed(add_escalation, open_ticket, dan):
    add_escalation(minutes=-30)
    ticket = open_ticket(ago(1.6))
    assert services.escalate_due() == 1
    (data,) = recorded_escalations(ticket)
    assert data["notify"] == [dan.pk]
    assert data["warning"]
    assert data["due_at"] == ticket.due_at.isoformat()


def test_escalation_is_not_carried_out_before_its_time(add_escalation, open_ticket):
    add_escalation(minutes=-30)
    open_ticket(ago(1.4))
    assert services.escalate_due() == 0


def test_escalation_is_carried_out_once(add_escalation, open_ticket, alice, bob):
    add_escalation()
    ticket = open_ticket(ago(2.1))
    services.escalate_due()
    tickets_services.set_status(ticket=ticket, status=Status.WAITING, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="Here.")
    services.escalate_due()
    assert len(recorded_escalations(ticket)) == 1


def test_priority_is_raised_and_never_lowered(add_escalation, open_ticket):
    add_escalation(action=Action.PRIORITY, priority=Priority.HIGH)
    low, urgent = open_ticket(ago(2.1)), open_ticket(ago(2.1), priority=Priority.URGENT)
    services.escalate_due()
    low.refresh_from_db(), urgent.refresh_from_db()
    assert (low.priority, urgent.priority) == (Priority.HIGH, Priority.URGENT)
    assert low.events.get(kind=Event.Kind.PRIORITY).actor_name == "Skerry"


def test_ticket_is_reassigned_to_a_team_and_the_team_is_notified(add_escalation, open_ticket, bob):
    second = Team.objects.create(name="Second line")
    Membership.objects.create(team=second, user=bob)
    add_escalation(action=Action.REASSIGN, team=second, recipients=["team"])
    ticket = open_ticket(ago(2.1))
    tickets_services.assign(ticket=ticket, assignee=bob, by=None)
    services.escalate_due()
    ticket.refresh_from_db()
    assert (ticket.team, ticket.assignee) == (second, None)
    assert recorded_escalations(ticket)[0]["notify"] == [bob.pk]


def test_failed_action_is_recorded_and_not_repeated(add_escalation, open_ticket, dan):
    team = Team.objects.create(name="Inactive")
    add_escalation(action=Action.REASSIGN, team=team)
    ticket = open_ticket(ago(2.1))
    Team.objects.update(is_active=False)
    assert services.escalate_due() == 1
    assert "is inactive" in recorded_escalations(ticket)[0]["failed"]
    assert services.escalate_due() == 0


def test_first_response_in_time_cancels_the_escalation(add_escalation, open_ticket, bob):
    add_escalation()
    ticket = open_ticket(ago(1))
    tickets_services.reply(ticket=ticket, by=bob, body="Coming.")
    assert not ScheduledEscalation.objects.filter(timer_id=ticket.pk).exists()


def test_waiting_for_the_customer_postpones_the_escalation(add_escalation, open_ticket, alice, bob):
    add_escalation()
    ticket = open_ticket(ago(1))
    tickets_services.set_status(ticket=ticket, status=Status.WAITING, by=bob)
    assert not ScheduledEscalation.objects.exists()
    tickets_services.reply(ticket=ticket, by=alice, body="Here.")
    assert timezone.now() < ScheduledEscalation.objects.get().at < timezone.now() + HOUR


def test_imported_tickets_do_not_escalate(add_escalation, open_ticket):
    add_escalation(minutes=-30)
    add_escalation(minutes=60)
    open_ticket(ago(24 * 30))
    assert services.escalate_due() == 0


def test_edited_policy_skips_escalations_that_are_already_over(
    add_escalation, policy, open_ticket, dan
):
    ticket = open_ticket(ago(5))
    add_escalation()
    services.recompute_outdated_timers(seconds=5)
    assert services.escalate_due() == 0
    assert ScheduledEscalation.objects.get(timer_id=ticket.pk).was_skipped


def test_edited_policy_schedules_future_escalations(add_escalation, policy, open_ticket):
    ticket = open_ticket(ago(1))
    add_escalation()
    services.recompute_outdated_timers(seconds=5)
    assert ScheduledEscalation.objects.get(timer_id=ticket.pk, done_at=None).at == ticket.due_at


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recipients": []}, "recipients"),
        ({"minutes": -120}, "minutes"),
        ({"action": Action.PRIORITY}, "priority"),
        ({"action": Action.REASSIGN}, "team"),
    ],
)
def test_invalid_escalation_is_refused(add_escalation, changes, field):
    with pytest.raises(BadInputError) as error:
        add_escalation(**changes)
    assert error.value.field == field


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_escalate_once(add_escalation, open_ticket):
    add_escalation()
    tickets = [open_ticket(ago(2.1)) for _ in range(5)]
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        run_and_close_connection(services.escalate_due)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [len(recorded_escalations(ticket)) for ticket in tickets] == [1] * 5


@pytest.mark.django_db(transaction=True)
def test_escalation_of_a_killed_worker_is_carried_out_by_the_next(
    add_escalation, open_ticket, monkeypatch
):
    add_escalation(action=Action.PRIORITY, priority=Priority.HIGH)
    ticket = open_ticket(ago(2.1))

    def kill(**kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tickets_services, "record_escalation", kill)
        with pytest.raises(KeyboardInterrupt):
            services.escalate_due()
    ticket.refresh_from_db()
    assert ticket.priority == Priority.NORMAL
    assert services.escalate_due() == 1
    assert len(recorded_escalations(ticket)) == 1


def test_failing_escalation_does_not_stop_the_others(add_escalation, open_ticket, monkeypatch):
    add_escalation(minutes=-30)
    first, second = open_ticket(ago(1.7)), open_ticket(ago(1.6))
    apply_action = timers._apply_action

    def fail_for_first_ticket(ticket, escalation):
        if ticket.pk == first.pk:
            raise RuntimeError("a fault")
        return apply_action(ticket, escalation)

    monkeypatch.setattr(timers, "_apply_action", fail_for_first_ticket)
    assert services.escalate_due() == 1
    assert not recorded_escalations(first)
    assert recorded_escalations(second)
    monkeypatch.setattr(timers, "_apply_action", apply_action)
    assert services.escalate_due() == 1
    assert recorded_escalations(first)
