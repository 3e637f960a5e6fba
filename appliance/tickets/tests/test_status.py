from datetime import date, timedelta

import pytest
from django.utils import timezone

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import SiteSettings
from appliance.tickets import services
from appliance.tickets.forms.properties import HoldPreset
from appliance.tickets.models import Event, Status
from appliance.tickets.services import events
from appliance.tickets.tests.conftest import kinds

DAY = timedelta(days=1)


@pytest.fixture
def ticket_on_hold(ticket, bob):
    services.hold_ticket(ticket=ticket, until=timezone.now() + DAY, by=bob)
    return ticket


@pytest.fixture
def one_day_later(monkeypatch):
    later = timezone.now() + DAY + timedelta(minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    return later


def test_on_hold_needs_a_date(ticket, bob):
    with pytest.raises(BadInputError, match="until which") as error:
        services.set_status(ticket=ticket, status=Status.HOLD, by=bob)
    assert error.value.field == "resume_at"


def test_ticket_on_hold_without_a_date_stays_until_the_customer_replies(ticket, alice, bob):
    services.hold_ticket(ticket=ticket, until=None, by=bob)
    services.resume_held_tickets()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resume_at) == (Status.HOLD, None)
    services.reply(ticket=ticket, by=alice, body="I found the cable.")
    assert ticket.status == Status.OPEN


@pytest.mark.parametrize(
    ("preset", "day"),
    [
        (HoldPreset.TOMORROW, "2026-03-03"),
        (HoldPreset.MONDAY, "2026-03-09"),
        (HoldPreset.WEEK, "2026-03-09"),
    ],
)
def test_presets_of_a_hold_count_from_the_users_day(preset, day, monkeypatch):
    monkeypatch.setattr(timezone, "localdate", lambda: date(2026, 3, 2))  # a Monday
    assert preset.day() == date.fromisoformat(day)


def test_on_hold_until_a_past_date_is_refused(ticket, bob):
    with pytest.raises(BadInputError, match="in the future"):
        services.hold_ticket(ticket=ticket, until=timezone.now() - DAY, by=bob)


def test_hold_event_has_its_end(ticket_on_hold):
    event = ticket_on_hold.events.get(kind=Event.Kind.STATUS)
    assert (ticket_on_hold.status, event.after) == (Status.HOLD, "On hold")
    assert event.data["until"] == ticket_on_hold.resume_at.isoformat()


def test_ticket_on_hold_does_not_resume_early(ticket_on_hold):
    assert services.resume_held_tickets() == 0


def test_ticket_on_hold_resumes(ticket_on_hold, one_day_later):
    assert services.resume_held_tickets() == 1
    ticket_on_hold.refresh_from_db()
    assert (ticket_on_hold.status, ticket_on_hold.resume_at) == (Status.OPEN, None)
    event = ticket_on_hold.events.last()
    assert (event.actor, event.actor_name, event.data["why"]) == (None, "Skerry", "held")


def test_ticket_on_hold_resumes_once(ticket_on_hold, one_day_later):
    services.resume_held_tickets()
    assert services.resume_held_tickets() == 0
    assert kinds(ticket_on_hold).count("status") == 2


def test_longer_hold_writes_an_event(ticket_on_hold, bob):
    services.hold_ticket(ticket=ticket_on_hold, until=ticket_on_hold.resume_at + DAY, by=bob)
    assert kinds(ticket_on_hold).count("status") == 2


def test_customers_reply_ends_the_hold(ticket_on_hold, alice):
    services.reply(ticket=ticket_on_hold, by=alice, body="I found the cable.")
    assert (ticket_on_hold.status, ticket_on_hold.resume_at) == (Status.OPEN, None)


def test_solved_at_is_set_when_solved_and_cleared_when_reopened(ticket, alice, bob):
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert ticket.solved_at is not None
    services.reply(ticket=ticket, by=alice, body="Blank again.")
    assert ticket.solved_at is None


def test_closing_keeps_solved_at(ticket, bob):
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    solved_at = ticket.solved_at
    services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    assert ticket.solved_at == solved_at


def test_solved_ticket_is_closed_after_seven_days(ticket, bob):
    solved_at = timezone.now() - 8 * DAY
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob, at=solved_at)
    assert services.close_solved_tickets() == 1
    ticket.refresh_from_db()
    assert (ticket.status, ticket.solved_at) == (Status.CLOSED, solved_at)
    assert ticket.events.last().data["days"] == 7
    assert services.close_solved_tickets() == 0


@pytest.mark.parametrize(("days", "closed"), [(None, 0), (30, 0), (1, 1)])
def test_site_settings_decide_when_solved_tickets_are_closed(ticket, bob, days, closed):
    SiteSettings.objects.create(close_solved_after_days=days)
    solved_at = timezone.now() - 8 * DAY
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob, at=solved_at)
    assert services.close_solved_tickets() == closed


def test_error_on_one_ticket_does_not_stop_closing_others(ticket, other, bob, monkeypatch):
    for solved in (ticket, other):
        solved_at = timezone.now() - 8 * DAY
        services.set_status(ticket=solved, status=Status.SOLVED, by=bob, at=solved_at)
    failing_listener = lambda event: 1 / (event.ticket_id - ticket.pk)  # noqa: E731
    monkeypatch.setattr(events, "_listeners", [failing_listener])
    assert services.close_solved_tickets() == 1
    other.refresh_from_db()
    assert other.status == Status.CLOSED


def test_first_response_is_an_agents_first_reply(ticket, alice, bob, dan):
    services.reply(ticket=ticket, by=alice, body="Anybody?")
    services.add_note(ticket=ticket, by=bob, body="Hm.")
    assert ticket.first_response_at is None
    first = services.reply(ticket=ticket, by=bob, body="Which printer?")
    services.reply(ticket=ticket, by=dan, body="And since when?")
    assert ticket.first_response_at == first.created_at


def test_requesting_agents_reply_is_no_first_response(bob):
    from appliance.accounts import services as accounts_services

    own_ticket = services.create_ticket(
        customer=accounts_services.ensure_customer_of(bob), subject="s", description="d", by=bob
    )
    assert services.reply(ticket=own_ticket, by=bob, body="One more thing").is_from_customer
    assert own_ticket.first_response_at is None


def test_customer_cannot_change_the_status(ticket, alice):
    with pytest.raises(ForbiddenError):
        services.set_status(ticket=ticket, status=Status.SOLVED, by=alice)
