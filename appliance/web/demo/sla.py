"""Teams, business hours, SLA policies and assignment rules of the demo help desk."""

from datetime import date

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Team, User
from appliance.routing import services as routing_services
from appliance.routing.models import AssignmentRule
from appliance.sla import services as sla_services
from appliance.sla.models import BusinessHours, Escalation, SlaMetric, SlaPolicy
from appliance.sla.weekly_hours import DAYS, parse_week
from appliance.tickets.models import Priority, TicketCategory

ZONE = "Europe/London"
# name → description and slugs of its categories; tickets of other categories have no team
TEAMS = {
    "Workplace": ("Devices, printers and the network.", ["hardware", "network"]),
    "Applications": ("Programs, accounts, mail and data.", ["software", "access", "email", "data"]),
    "Security": ("Lost devices and strange mail. Only its members see its tickets.", ["security"]),
}
CLOSED_TEAMS = {"Security"}
Action, Strategy = Escalation.Action, AssignmentRule.Strategy


def load_teams(members: list[User]) -> dict[str, Team]:
    """Create missing teams with these members; return the team of each category slug."""
    teams: dict[str, Team] = {}
    for name, (description, slugs) in TEAMS.items():
        team = Team.objects.filter(name=name).first() or accounts_services.add_team(
            by=None,
            name=name,
            description=description,
            is_closed=name in CLOSED_TEAMS,
            members=members,
        )
        teams |= dict.fromkeys(slugs, team)
    return teams


def load_policies_and_rules(teams: dict[str, Team]) -> None:
    """Create business hours, policies and rules, unless there are any."""
    if not BusinessHours.objects.exists():
        round_the_clock = _add_business_hours()
        if not SlaPolicy.objects.exists():
            _add_policies(round_the_clock)
    if not AssignmentRule.objects.exists():
        _add_rules(teams)


def _add_business_hours() -> BusinessHours:
    """Add the office hours, the default, and return the round-the-clock hours."""
    office = sla_services.add_business_hours(
        by=None,
        name="Office",
        time_zone=ZONE,
        is_default=True,
        hours=parse_week(dict.fromkeys(DAYS[:5], "08:00–12:30, 13:00–17:30")),
    )
    round_the_clock = sla_services.add_business_hours(
        by=None,
        name="Wards and ferries",
        time_zone=ZONE,
        hours=parse_week(dict.fromkeys(DAYS, "00:00–24:00")),
    )
    for name, month, day in (("New Year", 1, 1), ("Christmas Day", 12, 25), ("Boxing Day", 12, 26)):
        sla_services.add_holiday(
            business_hours=office, by=None, on=date(2026, month, day), name=name, is_yearly=True
        )
    return round_the_clock


def _add_policies(round_the_clock: BusinessHours) -> None:
    urgent = sla_services.add_policy(
        by=None,
        name="Urgent and high",
        first_response_minutes=60,
        resolution_minutes=16 * 60,
        priorities=[Priority.HIGH, Priority.URGENT],
        business_hours=round_the_clock,
    )
    everyday = sla_services.add_policy(
        by=None, name="Everyday", first_response_minutes=8 * 60, resolution_minutes=5 * 9 * 60
    )
    for policy, minutes in ((urgent, -15), (everyday, -60)):
        sla_services.add_escalation(
            policy=policy,
            by=None,
            metric=SlaMetric.FIRST_RESPONSE,
            minutes=minutes,
            action=Action.NOTIFY,
            recipients=[Escalation.Recipient.ASSIGNEE],
        )
    sla_services.add_escalation(
        policy=urgent,
        by=None,
        metric=SlaMetric.RESOLUTION,
        minutes=0,
        action=Action.PRIORITY,
        priority=Priority.URGENT,
        recipients=[Escalation.Recipient.ASSIGNEE, Escalation.Recipient.ADMINS],
    )


def _add_rules(teams: dict[str, Team]) -> None:
    strategies = {
        "Workplace": Strategy.MIN_OPEN,
        "Applications": Strategy.ROUND_ROBIN,
        "Security": Strategy.MANUAL,
    }
    for name, (_description, slugs) in TEAMS.items():
        routing_services.add_rule(
            by=None,
            name=name,
            team=teams[slugs[0]],
            strategy=strategies[name],
            categories=TicketCategory.objects.filter(slug__in=slugs),
        )
