"""A small desk with a year behind it, and the slow plain way to count it."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appliance.accounts.models import Membership, Organisation, Role, Team, User
from appliance.accounts.services import add_customer, add_user
from appliance.core import cache
from appliance.core.models import SiteSettings
from appliance.reports.periods import step_of, today
from appliance.sla.models import SlaPolicy, SlaTimer
from appliance.tickets.models import Rating, Ticket, TicketCategory

ZONE = "Europe/Berlin"  # days of 23 and 25 hours among them
SIZE = 160


@dataclass
class Cast:
    agents: list[User]
    teams: list[Team]
    organisations: list[Organisation]


@pytest.fixture
def desk_zone(db) -> str:
    SiteSettings.objects.update_or_create(pk=1, defaults={"time_zone": ZONE})
    cache._renew_generations(cache.SITE_SETTINGS)
    return ZONE


@pytest.fixture
def people(db, bob) -> Cast:
    mei = add_user(email="mei@example.org", first_name="Mei", role=Role.AGENT, password=None)
    harbour = Team.objects.create(name="Harbour", is_closed=True)
    Membership.objects.create(team=harbour, user=mei)
    teams = [Team.objects.create(name="Ward"), harbour]
    organisations = [Organisation.objects.create(name=name) for name in ("Ferry", "Hospital")]
    return Cast([bob, mei], teams, organisations)


@pytest.fixture
def year(desk_zone, people, categories) -> list[Ticket]:
    """Tickets of the last 400 days: every mix of answered, solved, rated, promised, merged."""
    chance = random.Random(7)
    customers = [add_customer(email=f"c{n}@example.org", first_name="C") for n in range(3)]
    for customer, organisation in zip(customers, [*people.organisations, None], strict=True):
        customer.organisation = organisation
        customer.save()
    policy = SlaPolicy.objects.create(name="P", first_response_minutes=60)
    tickets = [_ticket(chance, customers, people) for _ in range(SIZE)]
    Ticket.objects.bulk_create(tickets)
    Rating.objects.bulk_create(filter(None, [_rating(chance, one) for one in tickets]))
    SlaTimer.objects.bulk_create(filter(None, [_timer(chance, one, policy) for one in tickets]))
    merged = tickets[5]
    merged.merged_into = tickets[0]
    merged.save()
    return list(Ticket.objects.select_related("customer", "rating", "timer"))


def _ticket(chance: random.Random, customers: list, people: Cast) -> Ticket:
    now = datetime.now(UTC)
    created = now - timedelta(days=400) * chance.random()
    first_responses = created + timedelta(hours=chance.expovariate(1 / 9))
    solved = first_responses + timedelta(days=chance.expovariate(1 / 6))
    return Ticket(
        customer=chance.choice(customers),
        subject="s",
        description="d",
        created_at=created,
        category=chance.choice([None, *TicketCategory.objects.all()[:3]]),
        assignee=chance.choice([None, *people.agents]),
        team=chance.choice([None, *people.teams]),
        sentiment_score=chance.choice([None, -0.9, -0.2, 0.1, 0.8]),
        first_response_at=first_responses if first_responses < now else None,
        solved_at=solved if solved < now and chance.random() < 0.8 else None,
    )


def _rating(chance: random.Random, ticket: Ticket) -> Rating | None:
    if not ticket.solved_at or chance.random() < 0.4:
        return None
    at = min(ticket.solved_at + timedelta(days=1), datetime.now(UTC))
    return Rating(ticket=ticket, is_good=chance.random() < 0.7, at=at)


def _timer(chance: random.Random, ticket: Ticket, policy: SlaPolicy) -> SlaTimer | None:
    if chance.random() < 0.2:
        return None
    return SlaTimer(
        ticket=ticket,
        policy=policy,
        policies_digest="",
        first_response_met_at=ticket.first_response_at,
        first_response_due_at=ticket.created_at + timedelta(hours=6),
        resolution_met_at=ticket.solved_at,
        resolution_due_at=chance.choice([None, ticket.created_at + timedelta(days=5)]),
    )


# --- the slow plain way


def local(moment: datetime) -> date:
    return today(ZONE, moment)


def plain(tickets: Iterable[Ticket], start: date, end: date) -> dict:
    """Every figure of the span, ticket by ticket."""
    tickets = [one for one in tickets if one.merged_into_id is None]

    def within(moment: datetime | None) -> bool:
        return moment is not None and start <= local(moment) <= end

    opened = [one for one in tickets if within(one.created_at)]
    answers = [
        _seconds(one, one.first_response_at) for one in tickets if within(one.first_response_at)
    ]
    solutions = [_seconds(one, one.solved_at) for one in tickets if within(one.solved_at)]
    ratings = [one.rating for one in tickets if hasattr(one, "rating") and within(one.rating.at)]
    sentiments = [one.sentiment_score for one in opened if one.sentiment_score is not None]
    return {
        "opened": len(opened),
        "solved": len(solutions),
        "first_responses": len(answers),
        "first_response_median": quantile(answers, 0.5),
        "first_response_p90": quantile(answers, 0.9),
        "resolution_median": quantile(solutions, 0.5),
        "resolution_p90": quantile(solutions, 0.9),
        "first_responses_met": _promises(tickets, "first_response", within, kept=True),
        "first_responses_missed": _promises(tickets, "first_response", within, kept=False),
        "resolutions_met": _promises(tickets, "resolution", within, kept=True),
        "resolutions_missed": _promises(tickets, "resolution", within, kept=False),
        "rated_good": sum(rating.is_good for rating in ratings),
        "rated_bad": sum(not rating.is_good for rating in ratings),
        "sentiment_count": len(sentiments),
        "negative": sum(sentiment < -0.33 for sentiment in sentiments),
        "positive": sum(sentiment > 0.33 for sentiment in sentiments),
    }


def plain_backlog(tickets: Iterable[Ticket], end: date) -> int:
    """Open when the day ends."""
    return sum(
        local(one.created_at) <= end and (one.solved_at is None or local(one.solved_at) > end)
        for one in tickets
        if one.merged_into_id is None
    )


def _promises(tickets: list[Ticket], metric: str, within, *, kept: bool) -> int:
    count, now = 0, datetime.now(UTC)
    for ticket in tickets:
        timer = getattr(ticket, "timer", None)
        due = timer and timer.due_at(metric)
        if not due:
            continue
        met = timer.met_at(metric)
        was_kept = met is not None and met <= due
        decided = met if was_kept else due
        count += was_kept == kept and decided < now and within(decided)
    return count


def _seconds(ticket: Ticket, moment: datetime) -> int:
    return round((moment - ticket.created_at).total_seconds())


def quantile(values: list[int], share: float) -> float | None:
    """As everybody does it by hand: between the two neighbours."""
    if not values:
        return None
    values = sorted(values)
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def steps_of(start: date, end: date, step: str) -> dict[date, tuple[date, date]]:
    """Each step with its first and last day within the span."""
    found: dict[date, tuple[date, date]] = {}
    day = start
    while day <= end:
        first, _last = found.get(step_of(day, step), (day, day))
        found[step_of(day, step)] = (first, day)
        day += timedelta(days=1)
    return found


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(ZONE))
