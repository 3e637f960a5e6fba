"""A year of tickets, and their metrics computed ticket by ticket."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appliance.accounts.models import Membership, Organisation, Role, Team, User
from appliance.accounts.services import add_customer, add_user
from appliance.core import cache
from appliance.core.languages import Language
from appliance.core.models import SiteSettings
from appliance.reports.periods import Step, local_date, start_of_step
from appliance.sla.models import SlaPolicy, SlaTimer
from appliance.tickets.models import Channel, Rating, Ticket, TicketCategory

ZONE = "Europe/Berlin"  # days of 23 and 25 hours among them
TICKET_COUNT = 160


@dataclass
class Cast:
    agents: list[User]
    teams: list[Team]
    organisations: list[Organisation]


@pytest.fixture
def time_zone(db) -> str:
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
def year(time_zone, people, categories) -> list[Ticket]:
    """Tickets of the last 400 days: with and without response, solution, rating, SLA timer."""
    chance = random.Random(7)
    customers = [add_customer(email=f"c{n}@example.org", first_name="C") for n in range(3)]
    for customer, organisation in zip(customers, [*people.organisations, None], strict=True):
        customer.organisation = organisation
        customer.save()
    policy = SlaPolicy.objects.create(name="P", first_response_minutes=60)
    tickets = [_ticket(chance, customers, people) for _ in range(TICKET_COUNT)]
    Ticket.objects.bulk_create(tickets)
    Rating.objects.bulk_create(filter(None, [_rating(chance, ticket) for ticket in tickets]))
    SlaTimer.objects.bulk_create(
        filter(None, [_timer(chance, ticket, policy) for ticket in tickets])
    )
    merged = tickets[5]
    merged.merged_into = tickets[0]
    merged.save()
    return list(Ticket.objects.select_related("customer", "rating", "timer"))


def _ticket(chance: random.Random, customers: list, people: Cast) -> Ticket:
    now = datetime.now(UTC)
    created = now - timedelta(days=400) * chance.random()
    first_response = created + timedelta(hours=chance.expovariate(1 / 9))
    solved = first_response + timedelta(days=chance.expovariate(1 / 6))
    return Ticket(
        customer=chance.choice(customers),
        subject="s",
        description="d",
        created_at=created,
        category=chance.choice([None, *TicketCategory.objects.all()[:3]]),
        assignee=chance.choice([None, *people.agents]),
        team=chance.choice([None, *people.teams]),
        channel=chance.choice(Channel.values),
        language=chance.choice(["", *Language.values[:3]]),
        sentiment_score=chance.choice([None, -0.9, -0.2, 0.1, 0.8]),
        first_response_at=first_response if first_response < now else None,
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


def day_of(moment: datetime) -> date:
    return local_date(moment, ZONE)


def expected_metrics(tickets: Iterable[Ticket], start: date, end: date) -> dict:
    """Compute every metric of the period, ticket by ticket."""
    tickets = [ticket for ticket in tickets if ticket.merged_into_id is None]

    def within(moment: datetime | None) -> bool:
        return moment is not None and start <= day_of(moment) <= end

    opened = [ticket for ticket in tickets if within(ticket.created_at)]
    first_responses = [
        _seconds(ticket, ticket.first_response_at)
        for ticket in tickets
        if within(ticket.first_response_at)
    ]
    resolutions = [
        _seconds(ticket, ticket.solved_at) for ticket in tickets if within(ticket.solved_at)
    ]
    ratings = [
        ticket.rating
        for ticket in tickets
        if hasattr(ticket, "rating") and within(ticket.rating.at)
    ]
    sentiments = [ticket.sentiment_score for ticket in opened if ticket.sentiment_score is not None]
    return {
        "opened": len(opened),
        "solved": len(resolutions),
        "first_responses": len(first_responses),
        "first_response_median": quantile(first_responses, 0.5),
        "first_response_p90": quantile(first_responses, 0.9),
        "resolution_median": quantile(resolutions, 0.5),
        "resolution_p90": quantile(resolutions, 0.9),
        "first_responses_met": _count_sla_targets(tickets, "first_response", within, is_met=True),
        "first_responses_missed": _count_sla_targets(
            tickets, "first_response", within, is_met=False
        ),
        "resolutions_met": _count_sla_targets(tickets, "resolution", within, is_met=True),
        "resolutions_missed": _count_sla_targets(tickets, "resolution", within, is_met=False),
        "rated_good": sum(rating.is_good for rating in ratings),
        "rated_bad": sum(not rating.is_good for rating in ratings),
        "sentiment_count": len(sentiments),
        "negative": sum(sentiment < -0.33 for sentiment in sentiments),
        "positive": sum(sentiment > 0.33 for sentiment in sentiments),
    }


def expected_backlog(tickets: Iterable[Ticket], end: date) -> int:
    """Count the tickets that are open when the day ends."""
    return sum(
        day_of(ticket.created_at) <= end
        and (ticket.solved_at is None or day_of(ticket.solved_at) > end)
        for ticket in tickets
        if ticket.merged_into_id is None
    )


def _count_sla_targets(tickets: list[Ticket], metric: str, within, *, is_met: bool) -> int:
    count, now = 0, datetime.now(UTC)
    for ticket in tickets:
        timer = getattr(ticket, "timer", None)
        due = timer and timer.due_at(metric)
        if not due:
            continue
        met_at = timer.met_at(metric)
        was_met = met_at is not None and met_at <= due
        decided_at = met_at if was_met else due
        count += was_met == is_met and decided_at < now and within(decided_at)
    return count


def _seconds(ticket: Ticket, moment: datetime) -> int:
    return round((moment - ticket.created_at).total_seconds())


def quantile(values: list[int], share: float) -> float | None:
    """Interpolate between the two neighbouring values."""
    if not values:
        return None
    values = sorted(values)
    position = share * (len(values) - 1)
    below = int(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (position - below)


def steps_of(start: date, end: date, step: Step) -> dict[date, tuple[date, date]]:
    """Map each step to its first and last day within the period."""
    steps: dict[date, tuple[date, date]] = {}
    day = start
    while day <= end:
        first, _last = steps.get(start_of_step(day, step), (day, day))
        steps[start_of_step(day, step)] = (first, day)
        day += timedelta(days=1)
    return steps


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(ZONE))
