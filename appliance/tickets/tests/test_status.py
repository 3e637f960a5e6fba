from datetime import timedelta

import pytest
from django.utils import timezone

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import SiteSettings
from appliance.tickets import services
from appliance.tickets.models import Event, Status
from appliance.tickets.services import events
from appliance.tickets.tests.conftest import kinds

DAY = timedelta(days=1)


@pytest.fixture
def held(ticket, bob):
    services.hold_ticket(ticket=ticket, until=timezone.now() + DAY, by=bob)
    return ticket


@pytest.fixture
def a_day_later(monkeypatch):
    later = timezone.now() + DAY + timedelta(minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    return later


def test_on_hold_needs_a_date(ticket, bob):
    with pytest.raises(BadInputError, match="until which") as refused:
        services.set_status(ticket=ticket, status=Status.HOLD, by=bob)
    assert refused.value.field == "resume_at"


def test_on_hold_until_yesterday_is_refused(ticket, bob):
    with pytest.raises(BadInputError, match="in the future"):
        services.hold_ticket(ticket=ticket, until=timezone.now() - DAY, by=bob)


def test_hold_says_until_when(held):
    event = held.events.get(kind=Event.Kind.STATUS)
    assert (held.status, event.became) == (Status.HOLD, "On hold")
    assert event.data["until"] == held.resume_at.isoformat()


def test_hold_is_left_alone_before_its_date(held):
    assert services.resume_held_tickets() == 0


def test_hold_ends_by_itself(held, a_day_later):
    assert services.resume_held_tickets() == 1
    held.refresh_from_db()
    assert (held.status, held.resume_at) == (Status.OPEN, None)
    event = held.events.last()
    assert (event.actor, event.actor_name, event.data["why"]) == (None, "Skerry", "held")


def test_waking_twice_wakes_once(held, a_day_later):
    services.resume_held_tickets()
    assert services.resume_held_tickets() == 0
    assert kinds(held).count("status") == 2


def test_holding_longer_is_an_event(held, bob):
    services.hold_ticket(ticket=held, until=held.resume_at + DAY, by=bob)
    assert kinds(held).count("status") == 2


def test_customers_answer_ends_the_hold(held, alice):
    services.reply(ticket=held, by=alice, body="I found the cable.")
    assert (held.status, held.resume_at) == (Status.OPEN, None)


def test_solved_says_when_and_open_again_forgets(ticket, alice, bob):
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert ticket.solved_at is not None
    services.reply(ticket=ticket, by=alice, body="Blank again.")
    assert ticket.solved_at is None


def test_closing_keeps_when_it_was_solved(ticket, bob):
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    solved_at = ticket.solved_at
    services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    assert ticket.solved_at == solved_at


def test_solved_closes_itself(ticket, bob):
    ago = timezone.now() - 8 * DAY
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob, at=ago)
    assert services.close_solved_tickets() == 1
    ticket.refresh_from_db()
    assert (ticket.status, ticket.solved_at) == (Status.CLOSED, ago)
    assert ticket.events.last().data["days"] == 7
    assert services.close_solved_tickets() == 0


@pytest.mark.parametrize(("days", "closed"), [(None, 0), (30, 0), (1, 1)])
def test_desk_says_when_solved_becomes_closed(ticket, bob, days, closed):
    SiteSettings.objects.create(close_solved_after_days=days)
    ago = timezone.now() - 8 * DAY
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob, at=ago)
    assert services.close_solved_tickets() == closed


def test_one_ticket_that_breaks_something_keeps_no_other_from_closing(
    ticket, other, bob, monkeypatch
):
    for one in (ticket, other):
        ago = timezone.now() - 8 * DAY
        services.set_status(ticket=one, status=Status.SOLVED, by=bob, at=ago)
    broken = lambda event: 1 / (event.ticket_id - ticket.pk)  # noqa: E731
    monkeypatch.setattr(events, "_listeners", [broken])
    assert services.close_solved_tickets() == 1
    other.refresh_from_db()
    assert other.status == Status.CLOSED


def test_first_answer_of_an_agent_is_remembered_once(ticket, alice, bob, dan):
    services.reply(ticket=ticket, by=alice, body="Anybody?")
    services.add_note(ticket=ticket, by=bob, body="Hm.")
    assert ticket.first_response_at is None
    first = services.reply(ticket=ticket, by=bob, body="Which printer?")
    services.reply(ticket=ticket, by=dan, body="And since when?")
    assert ticket.first_response_at == first.created_at


def test_agent_who_asks_does_not_answer_themselves(bob):
    from appliance.accounts import services as accounts_services

    mine = services.create_ticket(
        customer=accounts_services.ensure_customer_of(bob), subject="s", description="d", by=bob
    )
    assert services.reply(ticket=mine, by=bob, body="One more thing").is_from_customer
    assert mine.first_response_at is None


def test_customer_changes_no_status(ticket, alice):
    with pytest.raises(ForbiddenError):
        services.set_status(ticket=ticket, status=Status.SOLVED, by=alice)
