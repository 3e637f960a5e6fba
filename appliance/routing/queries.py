"""Reads on assignment rules: their pages, the rule for a ticket, and the next agent of a team."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.routing.models import AssignmentRule
from appliance.sla import queries as sla_queries
from appliance.sla.working_time import is_working_at
from appliance.tickets.models import OPEN_STATUSES, Priority, Ticket

Strategy = AssignmentRule.Strategy


@dataclass(frozen=True)
class Match:
    """The rule for a ticket; ``needs_category`` if that depends on a category still to come."""

    rule: AssignmentRule | None = None
    needs_category: bool = False


def describe_rule(rule: AssignmentRule) -> list[str]:
    """Return the conditions of a rule; queries the categories unless prefetched."""
    conditions = [", ".join(str(category) for category in rule.categories.all())]
    conditions += [", ".join(str(Priority(value).label) for value in rule.priorities)]
    if rule.is_premium is not None:
        conditions.append(_("VIP customers") if rule.is_premium else _("not VIP"))
    return [text for text in conditions if text] or [_("all tickets")]


def list_rules() -> QuerySet[AssignmentRule]:
    """Return the rules in order, with everything their list page shows."""
    return AssignmentRule.objects.select_related("team").prefetch_related("categories")


def access_rule(viewer: User, pk: int) -> AssignmentRule:
    """Return a rule; Http404 except to admins."""
    rule = list_rules().filter(pk=pk).first()
    if rule is None or not viewer.is_authenticated or not viewer.is_admin:
        raise Http404
    return rule


def match_rule(ticket: Ticket, *, is_category_pending: bool) -> Match:
    """Return the first matching rule; a ticket whose category is pending skips none."""
    rules = AssignmentRule.objects.filter(team__is_active=True).select_related("team")
    for rule in rules.prefetch_related("categories"):
        if not _meets_other_conditions(rule, ticket):
            continue
        category_ids = {category.pk for category in rule.categories.all()}
        if not category_ids or ticket.category_id in category_ids:
            return Match(rule=rule)
        if ticket.category_id is None and is_category_pending:
            return Match(needs_category=True)
    return Match()


def next_assignee(rule: AssignmentRule, ticket: Ticket) -> User | None:
    """Return the next agent of the team; None if none is available. Lock the rule first."""
    fewest_first = rule.strategy == Strategy.MIN_OPEN
    agents = [
        agent
        for agent in list_available_agents(rule.team, timezone.now(), fewest_first=fewest_first)
        if agent.pk != ticket.customer.user_id
    ]
    if not agents:
        return None
    if fewest_first:
        return agents[0]
    last = rule.last_assignee_id or 0
    return next((agent for agent in agents if agent.pk > last), agents[0])


def list_available_agents(team: Team, at: datetime, *, fewest_first: bool = False) -> list[User]:
    """Return the members within business hours at ``at``, by id or by their open tickets."""
    members = (
        accounts_queries.list_agents()
        .filter(memberships__team=team, is_away=False)
        .select_related("business_hours")
        .prefetch_related("business_hours__holidays")
        .order_by("pk")
    )
    if fewest_first:
        is_open = Q(assigned_tickets__status__in=OPEN_STATUSES)
        members = members.alias(
            open_tickets=Count("assigned_tickets", filter=is_open, distinct=True)
        ).order_by("open_tickets", "pk")
    default = sla_queries.find_default_business_hours()
    return [
        member
        for member in members
        if is_working_at(at, sla_queries.working_hours_of(member.business_hours or default))
    ]


def _meets_other_conditions(rule: AssignmentRule, ticket: Ticket) -> bool:
    return (not rule.priorities or ticket.priority in rule.priorities) and (
        rule.is_premium in (None, ticket.customer.is_premium)
    )
