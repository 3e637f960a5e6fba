"""A clock follows its ticket: it runs, waits, goes on, and says when something is due."""

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


def test_a_ticket_is_due_in_the_hours_of_the_calendar(office, promise, opened):
    promise()
    timer = timer_of(opened(datetime(2026, 7, 3, 16, 0, tzinfo=BERLIN)))  # a Friday
    assert timer.first_response_due_at == datetime(2026, 7, 6, 10, 0, tzinfo=BERLIN)
    assert timer.resolution_due_at == datetime(2026, 7, 6, 16, 0, tzinfo=BERLIN)


def test_lists_sort_by_what_is_due_next(office, promise, opened, bob):
    promise()
    ticket = opened(MONDAY)
    assert ticket.due_at == MONDAY + 2 * HOUR
    tickets_services.reply(ticket=ticket, by=bob, body="Which scanner?", at=MONDAY + HOUR)
    assert ticket.due_at == MONDAY + timedelta(days=1)


def test_the_first_answer_of_an_agent_keeps_the_first_promise(promise, opened, alice, bob):
    promise()
    ticket = opened(MONDAY)
    tickets_services.reply(ticket=ticket, by=alice, body="Still nothing.", at=MONDAY + HOUR / 2)
    assert timer_of(ticket).first_response_met_at is None
    tickets_services.reply(ticket=ticket, by=bob, body="On my way.", at=MONDAY + HOUR)
    tickets_services.reply(ticket=ticket, by=bob, body="Nearly there.", at=MONDAY + 3 * HOUR)
    assert timer_of(ticket).first_response_met_at == MONDAY + HOUR
    assert timer_of(ticket).first_response_due_at == MONDAY + 2 * HOUR


def test_the_clock_stands_still_while_the_customer_is_asked(office, promise, opened, alice, bob):
    promise()
    ticket = opened(MONDAY)
    tickets_services.reply(
        ticket=ticket, by=bob, body="Which?", status=Status.WAITING, at=MONDAY + HOUR
    )
    assert timer_of(ticket).is_paused
    assert ticket.due_at is None
    tickets_services.reply(
        ticket=ticket, by=alice, body="The red one.", at=MONDAY + timedelta(days=7)
    )
    assert ticket.due_at == MONDAY + timedelta(days=7) + 7 * HOUR


def test_on_hold_the_clock_stands_still_too(office, promise, opened, bob):
    promise()
    ticket = opened(MONDAY)
    later = MONDAY + timedelta(days=1)
    tickets_services.hold_ticket(ticket=ticket, until=later, by=bob, at=MONDAY + HOUR)
    assert ticket.due_at is None
    tickets_services.set_status(ticket=ticket, status=Status.OPEN, by=bob, at=later)
    assert ticket.due_at == later + HOUR


def test_solving_keeps_the_second_promise_and_reopening_goes_on(promise, opened, alice, bob):
    promise()
    ticket = opened(MONDAY)
    tickets_services.reply(
        ticket=ticket, by=bob, body="Fixed.", status=Status.SOLVED, at=MONDAY + HOUR
    )
    assert timer_of(ticket).resolution_met_at == MONDAY + HOUR
    assert timer_of(ticket).resolution_due_at == MONDAY + 8 * HOUR
    tickets_services.reply(ticket=ticket, by=alice, body="Again.", at=MONDAY + 10 * HOUR)
    assert timer_of(ticket).resolution_met_at is None
    assert ticket.due_at == MONDAY + 17 * HOUR


def test_solved_while_waiting_it_was_solved_in_time(promise, opened, bob):
    promise()
    ticket = opened(MONDAY)
    tickets_services.reply(ticket=ticket, by=bob, body="?", status=Status.WAITING, at=MONDAY + HOUR)
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob, at=MONDAY + 50 * HOUR)
    timer = timer_of(ticket)
    assert timer.resolution_met_at < timer.resolution_due_at


def test_what_was_missed_stays_missed(promise, opened, alice, bob):
    promise()
    ticket = opened(MONDAY)
    tickets_services.reply(
        ticket=ticket, by=bob, body="?", status=Status.WAITING, at=MONDAY + 9 * HOUR
    )
    tickets_services.reply(ticket=ticket, by=alice, body="!", at=MONDAY + 20 * HOUR)
    assert timer_of(ticket).first_response_due_at == MONDAY + 2 * HOUR
    assert ticket.due_at == MONDAY + 8 * HOUR


def test_the_first_policy_that_fits_counts(promise, opened, categories):
    promise("Urgent", priorities=[Priority.URGENT], first_response_minutes=15)
    promise("Devices", categories=[categories["hardware"]], first_response_minutes=30)
    promise("VIP", is_premium=True, first_response_minutes=45)
    promise("Everybody")
    assert timer_of(opened(priority=Priority.URGENT)).policy.name == "Urgent"
    assert timer_of(opened(category=categories["hardware"])).policy.name == "Devices"
    assert timer_of(opened()).policy.name == "Everybody"


def test_premium_customers_and_organisations_have_their_own(promise, opened, alice):
    ferry = Organisation.objects.create(name="Ferry")
    promise("VIP", is_premium=True)
    promise("Ferry", organisations=[ferry])
    assert timer_of(opened()).policy is None
    alice.customer.organisation = ferry
    alice.customer.save()
    assert timer_of(opened()).policy.name == "Ferry"
    alice.customer.is_premium = True
    alice.customer.save()
    assert timer_of(opened()).policy.name == "VIP"


def test_a_policy_whose_organisation_is_gone_fits_nobody(promise, opened):
    ferry = Organisation.objects.create(name="Ferry")
    policy = promise("Ferry", organisations=[ferry])
    ferry.delete()
    assert timer_of(opened()).policy is None
    assert status.describe_policy(policy) == ["deleted organisation"]


def test_the_time_used_counts_under_another_policy(office, promise, opened, bob):
    promise("High", priorities=[Priority.HIGH], first_response_minutes=90)
    promise("Everybody", first_response_minutes=240)
    ticket = opened(datetime.now(tz=BERLIN) - timedelta(days=8))
    used_until = timer_of(ticket).running_since
    tickets_services.set_priority(ticket=ticket, priority=Priority.HIGH, by=bob)
    timer = timer_of(ticket)
    assert timer.policy.name == "High"
    assert timer.used_seconds > 8 * 3600
    assert timer.first_response_due_at < timer.running_since > used_until


def test_a_promise_made_shorter_is_due_at_once_not_in_the_past(promise, opened, bob):
    promise("High", priorities=[Priority.HIGH], first_response_minutes=60)
    promise("Everybody", first_response_minutes=240)
    ticket = opened(datetime.now(tz=BERLIN) - 2 * HOUR)
    tickets_services.set_priority(ticket=ticket, priority=Priority.HIGH, by=bob)
    assert timer_of(ticket).first_response_due_at == timer_of(ticket).running_since


def test_sorting_a_ticket_finds_its_policy(promise, opened, categories):
    promise("Devices", categories=[categories["hardware"]])
    ticket = opened()
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


def test_a_ticket_merged_away_is_promised_nothing_until_that_is_undone(promise, opened, dan):
    promise()
    source, target = opened(), opened()
    due = source.due_at
    tickets_services.merge_tickets(source=source, target=target, by=dan)
    assert timer_of(source).resolution_due_at is None
    assert source.due_at is None
    tickets_services.unmerge_ticket(ticket=source, by=dan)
    assert due - source.due_at < timedelta(minutes=1)


def test_an_edited_policy_moves_open_clocks_only(promise, opened, dan, bob):
    policy = promise()
    ticket, solved = opened(), opened()
    tickets_services.set_status(ticket=solved, status=Status.SOLVED, by=bob)
    before = timer_of(solved).resolution_due_at
    services.change_policy(policy=policy, by=dan, name="Slower", first_response_minutes=600)
    assert services.recompute_outdated_timers(seconds=5) is False
    ticket.refresh_from_db()
    assert timer_of(ticket).first_response_due_at == ticket.created_at + 10 * HOUR
    assert timer_of(ticket).resolution_due_at is None
    assert timer_of(solved).resolution_due_at == before


def test_a_holiday_moves_open_clocks(office, promise, opened, dan):
    promise()
    ticket = opened()
    before = timer_of(ticket).resolution_due_at
    for days in range(-1, 5):
        on = before.astimezone(BERLIN).date() + timedelta(days=days)
        services.add_holiday(business_hours=office, by=dan, on=on, name=f"Storm {days}")
    services.recompute_outdated_timers(seconds=5)
    assert timer_of(ticket).resolution_due_at > before + timedelta(days=1)


def test_open_tickets_from_before_get_a_clock(promise, opened):
    promise()
    ticket = opened()
    SlaTimer.objects.all().delete()
    Ticket.objects.update(due_at=None)
    services.recompute_outdated_timers(seconds=5)
    ticket.refresh_from_db()
    assert ticket.due_at == timer_of(ticket).first_response_due_at


def test_nothing_is_recomputed_when_nothing_changed(promise, opened, django_assert_num_queries):
    promise()
    opened()
    with django_assert_num_queries(3):  # rules, stale, missing
        services.recompute_outdated_timers(seconds=5)


def test_a_removed_policy_promises_nothing_but_is_remembered(promise, opened, dan, bob):
    policy = promise()
    solved, running = opened(), opened()
    tickets_services.set_status(ticket=solved, status=Status.SOLVED, by=bob)
    services.remove_policy(policy=policy, by=dan)
    services.recompute_outdated_timers(seconds=5)
    assert timer_of(solved).policy == policy
    assert timer_of(running).policy is None


@pytest.mark.parametrize(
    ("zone", "before"),
    [(BERLIN, datetime(2026, 10, 25, 0, 30)), (NEW_YORK, datetime(2026, 11, 1, 0, 30))],
)
def test_the_night_the_clocks_go_back_has_an_hour_more(dan, promise, opened, zone, before):
    week = parse_week(dict.fromkeys(DAYS, "00:00–24:00"))
    ward = services.add_business_hours(by=dan, name="Ward", time_zone=zone.key, hours=week)
    promise(business_hours=ward, first_response_minutes=240)
    timer = timer_of(opened(before.replace(tzinfo=zone)))
    assert timer.first_response_due_at.astimezone(zone).hour == 3


def test_a_leap_day_is_worked_unless_it_is_a_holiday(office, promise, opened, dan):
    promise()
    services.add_holiday(
        business_hours=office, by=dan, on=date(2028, 2, 29), name="Leap", is_yearly=True
    )
    timer = timer_of(opened(datetime(2028, 2, 28, 16, 0, tzinfo=BERLIN)))
    assert timer.first_response_due_at == datetime(2028, 3, 1, 10, 0, tzinfo=BERLIN)


def test_a_clock_stands_or_falls_with_its_event(promise, ticket, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError

    before = timer_of(ticket).is_open
    monkeypatch.setattr(events.cache, "invalidate", lambda subject: None)
    monkeypatch.setattr("appliance.sla.services.timers._schedule_escalations", broken)
    with pytest.raises(RuntimeError):
        tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=None)
    assert timer_of(ticket).is_open == before
    assert not Event.objects.filter(kind=Event.Kind.STATUS).exists()


def test_rules_that_are_held_are_read_once(promise, django_assert_num_queries):
    promise()
    with reuse_policies(), django_assert_num_queries(0):
        assert load_policies() is load_policies()
