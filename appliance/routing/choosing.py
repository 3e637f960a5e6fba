"""Which rule a ticket falls under, and who of a team is next."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils import timezone

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.routing.models import AssignmentRule
from appliance.sla import queries as sla_queries
from appliance.sla.working_time import is_working_at
from appliance.tickets.models import OPEN_STATUSES, Ticket

Way = AssignmentRule.Way


@dataclass(frozen=True)
class Match:
    """The rule for a ticket; ``must_be_sorted`` when that depends on a category it may yet get."""

    rule: AssignmentRule | None = None
    must_be_sorted: bool = False


def match(ticket: Ticket, *, may_be_sorted: bool) -> Match:
    """The first rule that fits. A ticket that may yet be sorted is not given to a later rule."""
    rules = AssignmentRule.objects.filter(team__is_active=True).select_related("team")
    for rule in rules.prefetch_related("categories"):
        if not _fits_otherwise(rule, ticket):
            continue
        wanted = {category.pk for category in rule.categories.all()}
        if not wanted or ticket.category_id in wanted:
            return Match(rule=rule)
        if ticket.category_id is None and may_be_sorted:
            return Match(must_be_sorted=True)
    return Match()


def next_assignee(rule: AssignmentRule, ticket: Ticket) -> User | None:
    """Who of the team gets it now; None when nobody works. The rule must be locked."""
    people = list_working(rule.team, timezone.now(), besides=ticket.customer.user_id)
    if not people:
        return None
    if rule.way == Way.LEAST:
        return min(people, key=lambda person: (person.open_tickets, person.pk))
    last = rule.last_assignee_id or 0
    return next((person for person in people if person.pk > last), people[0])


def list_working(team: Team, at: datetime, *, besides: int | None = None) -> list[User]:
    """Members who work at that moment, by id, each with ``open_tickets``."""
    members = (
        accounts_queries.list_agents()
        .filter(memberships__team=team, is_away=False)
        .exclude(pk=besides)
        .select_related("business_hours")
        .prefetch_related("business_hours__holidays")
        .annotate(
            open_tickets=Count(
                "assigned_tickets",
                filter=Q(assigned_tickets__status__in=OPEN_STATUSES),
                distinct=True,
            )
        )
        .order_by("pk")
    )
    default = sla_queries.find_default_business_hours()
    return [
        person
        for person in members
        if is_working_at(at, sla_queries.working_hours_of(person.business_hours or default))
    ]


def _fits_otherwise(rule: AssignmentRule, ticket: Ticket) -> bool:
    return (not rule.priorities or ticket.priority in rule.priorities) and (
        rule.is_premium in (None, ticket.customer.is_premium)
    )
