"""An SLA timer runs, is paused and resumed with its ticket, and computes the due times."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appliance.accounts.models import Organisation
from appliance.sla import services, status
from appliance.sla.models import SlaTimer
from appliance.sla.policies import load_policies, reuse_policies
from appliance.sla.tests.conftest import timer_of
from appliance.sla.weekly_hours import DAYS, parse_week
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Priority, Status, Ticket
from appliance.tickets.services import events

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 7, 6, 10, 0, tzinfo=BERLIN)


def test_due_times_count_business_hours_only(office, add_policy, open_ticket):
    add_policy()
    timer = timer_of(open_ticket(datetime(2026, 7, 3, 16, 0, tzinfo=BERLIN)))  # a Friday
    assert timer.first_response_due_at == datetime(2026, 7, 6, 10, 0, tzinfo=BERLIN)
    assert timer.resolution_due_at == datetime(2026, 7, 6, 16, 0, tzinfo=BERLIN)


def test_ticket_due_at_is_the_next_target(office, add_policy, open_ticket, bob):
    add_policy()
    ticket = open_ticket(MONDAY)
    assert ticket.due_at == MONDAY + 2 * HOUR
    tickets_services.reply(ticket=ticket, by=bob, body="Which scanner?", at=MONDAY + HOUR)
    assert ticket.due_at == MONDAY + timedelta(days=1)


def test_first_reply_of_an_agent_meets_the_first_response(add_policy, open_ticket, alice, bob):
    add_policy()
    ticket = open_ticket(MONDAY)
    tickets_services.reply(ticket=ticket, by=alice, body="Still nothing.", at=MONDAY + HOUR / 2)
    assert timer_of(ticket).first_response_met_at is None
    tickets_services.reply(ticket=ticket, by=bob, body="On my way.", at=MONDAY + HOUR)
    tickets_services.reply(ticket=ticket, by=bob, body="Nearly there.", at=MONDAY + 3 * HOUR)
    assert timer_of(ticket).first_response_met_at == MONDAY + HOUR
    assert timer_of(ticket).first_response_due_at == MONDAY + 2 * HOUR


def test_timer_is_paused_while_waiting_for_the_customer(
    office, add_policy, open_ticket, alice, bob
):
    add_policy()
    ticket = open_ticket(MONDAY)
    tickets_services.reply(
        ticket=ticket, by=bob, body="Which?", status=Status.WAITING, at=MONDAY + HOUR
    )
    assert timer_of(ticket).is_paused
    assert ticket.due_at is None
    tickets_services.reply(
        ticket=ticket, by=alice, body="The red one.", at=MONDAY + timedelta(days=7)
    )
    assert ticket.due_at == MONDAY + timedelta(days=7) + 7 * HOUR


def test_timer_is_paused_on_hold(office, add_policy, open_ticket, bob):
    add_policy()
    ticket = open_ticket(MONDAY)
    later = MONDAY + timedelta(days=1)
    tickets_services.hold_ticket(ticket=ticket, until=later, by=bob, at=MONDAY + HOUR)
    assert ticket.due_at is None
    tickets_services.set_status(ticket=ticket, status=Status.OPEN, by=bob, at=later)
    assert ticket.due_at == later + HOUR


def test_solving_meets_the_resolution_and_reopening_resumes_the_timer(
    add_policy, open_ticket, alice, bob
):
    add_policy()
    ticket = open_ticket(MONDAY)
    tickets_services.reply(
        ticket=ticket, by=bob, body="Fixed.", status=Status.SOLVED, at=MONDAY + HOUR
    )
    assert timer_of(ticket).resolution_met_at == MONDAY + HOUR
    assert timer_of(ticket).resolution_due_at == MONDAY + 8 * HOUR
    tickets_services.reply(ticket=ticket, by=alice, body="Again.", at=MONDAY + 10 * HOUR)
    assert timer_of(ticket).resolution_met_at is None
    assert ticket.due_at == MONDAY + 17 * HOUR


def test_ticket_solved_while_waiting_is_solved_in_time(add_policy, open_ticket, bob):
    add_policy()
    ticket = open_ticket(MONDAY)
    tickets_services.reply(ticket=ticket, by=bob, body="?", status=Status.WAITING, at=MONDAY + HOUR)
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob, at=MONDAY + 50 * HOUR)
    timer = timer_of(ticket)
    assert timer.resolution_met_at < timer.resolution_due_at


def test_missed_target_keeps_its_due_time(add_policy, open_ticket, alice, bob):
    add_policy()
    ticket = open_ticket(MONDAY)
    tickets_services.reply(
        ticket=ticket, by=bob, body="?", status=Status.WAITING, at=MONDAY + 9 * HOUR
    )
    tickets_services.reply(ticket=ticket, by=alice, body="!", at=MONDAY + 20 * HOUR)
    assert timer_of(ticket).first_response_due_at == MONDAY + 2 * HOUR
    assert ticket.due_at == MONDAY + 8 * HOUR


def test_first_matching_policy_applies(add_policy, open_ticket, categories):
    add_policy("Urgent", priorities=[Priority.URGENT], first_response_minutes=15)
    add_policy("Devices", categories=[categories["hardware"]], first_response_minutes=30)
    add_policy("VIP", is_premium=True, first_response_minutes=45)
    add_policy("Everybody")
    assert timer_of(open_ticket(priority=Priority.URGENT)).policy.name == "Urgent"
    assert timer_of(open_ticket(category=categories["hardware"])).policy.name == "Devices"
    assert timer_of(open_ticket()).policy.name == "Everybody"


def test_policies_for_premium_customers_and_organisations_apply(add_policy, open_ticket, alice):
    ferry = Organisation.objects.create(name="Ferry")
    add_policy("VIP", is_premium=True)
    add_policy("Ferry", organisations=[ferry])
    assert timer_of(open_ticket()).policy is None
    alice.customer.organisation = ferry
    alice.customer.save()
    assert timer_of(open_ticket()).policy.name == "Ferry"
    alice.customer.is_premium = True
    alice.customer.save()
    assert timer_of(open_ticket()).policy.name == "VIP"


def test_policy_of_a_deleted_organisation_matches_no_ticket(add_policy, open_ticket):
    ferry = Organisation.objects.create(name="Ferry")
    policy = add_policy("Ferry", organisations=[ferry])
    ferry.delete()
    assert timer_of(open_ticket()).policy is None
    assert status.describe_policy(policy) == ["deleted organisation"]


def test_time_used_counts_under_another_policy(office, add_policy, open_ticket, bob):
    add_policy("High", priorities=[Priority.HIGH], first_response_minutes=90)
    add_policy("Everybody", first_response_minutes=240)
    ticket = open_ticket(datetime.now(tz=BERLIN) - timedelta(days=8))
    used_until = timer_of(ticket).running_since
    tickets_services.set_priority(ticket=ticket, priority=Priority.HIGH, by=bob)
    timer = timer_of(ticket)
    assert timer.policy.name == "High"
    assert timer.used_seconds > 8 * 3600
    assert timer.first_response_due_at < timer.running_since > used_until


def test_shortened_target_is_due_now_and_not_in_the_past(add_policy, open_ticket, bob):
    add_policy("High", priorities=[Priority.HIGH], first_response_minutes=60)
    add_policy("Everybody", first_response_minutes=240)
    ticket = open_ticket(datetime.now(tz=BERLIN) - 2 * HOUR)
    tickets_services.set_priority(ticket=ticket, priority=Priority.HIGH, by=bob)
    assert timer_of(ticket).first_response_due_at == timer_of(ticket).running_since


def test_classification_selects_the_policy(add_policy, open_ticket, categories):
    add_policy("Devices", categories=[categories["hardware"]])
    ticket = open_ticket()
    assert ticket.due_at is None
    tickets_services.record_classification(
        ticket=ticket,
        category=categories["hardware"],
        sentiment_score=0.1,
        bundles="x",
        data={},
    )
    ticket.refresh_from_db()
    assert ticket.due_at is not None


def test_merged_ticket_has_no_targets_until_it_is_unmerged(add_policy, open_ticket, dan):
    add_policy()
    source, target = open_ticket(), open_ticket()
    due = source.due_at
    tickets_services.merge_tickets(source=source, target=target, by=dan)
    assert timer_of(source).resolution_due_at is None
    assert source.due_at is None
    tickets_services.unmerge_ticket(ticket=source, by=dan)
    assert due - source.due_at < timedelta(minutes=1)


def test_edited_policy_changes_open_timers_only(add_policy, open_ticket, dan, bob):
    policy = add_policy()
    ticket, solved = open_ticket(), open_ticket()
    tickets_services.set_status(ticket=solved, status=Status.SOLVED, by=bob)
    before = timer_of(solved).resolution_due_at
    services.change_policy(policy=policy, by=dan, name="Slower", first_response_minutes=600)
    assert services.recompute_outdated_timers(seconds=5) is False
    ticket.refresh_from_db()
    assert timer_of(ticket).first_response_due_at == ticket.created_at + 10 * HOUR
    assert timer_of(ticket).resolution_due_at is None
    assert timer_of(solved).resolution_due_at == before


def test_holiday_changes_open_timers(office, add_policy, open_ticket, dan):
    add_policy()
    ticket = open_ticket()
    before = timer_of(ticket).resolution_due_at
    for days in range(-1, 5):
        on = before.astimezone(BERLIN).date() + timedelta(days=days)
        services.add_holiday(business_hours=office, by=dan, on=on, name=f"Storm {days}")
    services.recompute_outdated_timers(seconds=5)
    assert timer_of(ticket).resolution_due_at > before + timedelta(days=1)


def test_open_tickets_without_timer_get_one(add_policy, open_ticket):
    add_policy()
    ticket = open_ticket()
    SlaTimer.objects.all().delete()
    Ticket.objects.update(due_at=None)
    services.recompute_outdated_timers(seconds=5)
    ticket.refresh_from_db()
    assert ticket.due_at == timer_of(ticket).first_response_due_at


def test_current_timers_are_not_recomputed(add_policy, open_ticket, django_assert_num_queries):
    add_policy()
    open_ticket()
    with django_assert_num_queries(3):  # policies, outdated timers, tickets without timer
        services.recompute_outdated_timers(seconds=5)


def test_removed_policy_applies_to_solved_tickets_only(add_policy, open_ticket, dan, bob):
    policy = add_policy()
    solved, running = open_ticket(), open_ticket()
    tickets_services.set_status(ticket=solved, status=Status.SOLVED, by=bob)
    services.remove_policy(policy=policy, by=dan)
    services.recompute_outdated_timers(seconds=5)
    assert timer_of(solved).policy == policy
    assert timer_of(running).policy is None


@pytest.mark.parametrize(
    "before",
    [
        datetime(2026, 10, 25, 0, 30, tzinfo=BERLIN),
        datetime(2026, 11, 1, 0, 30, tzinfo=NEW_YORK),
    ],
)
def test_night_of_the_change_to_winter_time_has_an_extra_hour(dan, add_policy, open_ticket, before):
    zone = before.tzinfo
    week = parse_week(dict.fromkeys(DAYS, "00:00–24:00"))
    ward = services.add_business_hours(by=dan, name="Ward", time_zone=zone.key, hours=week)
    add_policy(business_hours=ward, first_response_minutes=240)
    timer = timer_of(open_ticket(before))
    assert timer.first_response_due_at.astimezone(zone).hour == 3


def test_yearly_holiday_on_the_leap_day_is_skipped(office, add_policy, open_ticket, dan):
    add_policy()
    services.add_holiday(
        business_hours=office, by=dan, on=date(2028, 2, 29), name="Leap", is_yearly=True
    )
    timer = timer_of(open_ticket(datetime(2028, 2, 28, 16, 0, tzinfo=BERLIN)))
    assert timer.first_response_due_at == datetime(2028, 3, 1, 10, 0, tzinfo=BERLIN)


def test_failed_timer_update_rolls_back_its_event(add_policy, ticket, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    before = timer_of(ticket).is_open
    monkeypatch.setattr(events.cache, "invalidate", lambda subject: None)
    monkeypatch.setattr("appliance.sla.services.timers._schedule_escalations", fail)
    with pytest.raises(RuntimeError):
        tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=None)
    assert timer_of(ticket).is_open == before
    assert not Event.objects.filter(kind=Event.Kind.STATUS).exists()


def test_reused_policies_are_loaded_once(add_policy, django_assert_num_queries):
    add_policy()
    with reuse_policies(), django_assert_num_queries(0):
        assert load_policies() is load_policies()
