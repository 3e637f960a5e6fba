"""All policies at once, as the arithmetic of clocks reads them."""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from appliance.agreements.models import Escalation, Measure, Policy
from appliance.calendars import queries as calendars
from appliance.calendars.models import Calendar, Holiday
from appliance.calendars.worktime import ROUND_THE_CLOCK, Holidays, Hours
from appliance.tickets.models import Ticket


@dataclass(frozen=True)
class Planned:
    """An escalation: so many seconds of work after (before: negative) the promise falls due."""

    escalation_id: int
    measure: str
    seconds: int


@dataclass(frozen=True)
class Terms:
    """One policy: whom it fits, what it promises, in which hours."""

    policy_id: int
    is_active: bool
    priorities: tuple[int, ...]
    categories: tuple[int, ...]
    organisations: tuple[int, ...]
    is_premium: bool | None
    seconds: tuple[tuple[str, int], ...]  # measure to seconds of work
    hours: Hours
    escalations: tuple[Planned, ...]

    def fits(self, ticket: Ticket) -> bool:
        customer = ticket.customer
        return (
            self.is_active
            and (not self.priorities or ticket.priority in self.priorities)
            and (not self.categories or ticket.category_id in self.categories)
            and (not self.organisations or customer.organisation_id in self.organisations)
            and self.is_premium in (None, customer.is_premium)
        )


@dataclass(frozen=True)
class Rules:
    policies: tuple[Terms, ...]
    default_hours: Hours

    @cached_property
    def digest(self) -> str:
        """Another one whenever a due time could come out otherwise."""
        return hashlib.sha256(_canonical(self).encode()).hexdigest()[:16]

    def match(self, ticket: Ticket) -> Terms | None:
        return next((terms for terms in self.policies if terms.fits(ticket)), None)

    def hours_of(self, policy_id: int | None) -> Hours:
        """What time is counted by; without a policy, the desk's default."""
        hours = (terms.hours for terms in self.policies if terms.policy_id == policy_id)
        return next(hours, self.default_hours)


def load_rules() -> Rules:
    """Two queries, whatever the number of policies."""
    default = _with_days_off(Calendar.objects.filter(is_default=True), "pk").first()
    default_hours = _hours(default, default.days_off) if default else ROUND_THE_CLOCK
    found = _with_days_off(Policy.objects.select_related("calendar"), "calendar").annotate(
        category_ids=_ids(Policy.categories.through, "ticketcategory_id"),
        organisation_ids=_ids(Policy.organisations.through, "organisation_id"),
        planned=ArraySubquery(
            Escalation.objects.filter(policy=OuterRef("pk"))
            .order_by("pk")
            .values(row=JSONObject(id="pk", measure="measure", minutes="minutes"))
        ),
    )
    return Rules(tuple(_terms(policy, default_hours) for policy in found), default_hours)


def _ids(through: type, column: str) -> ArraySubquery:
    rows = through.objects.filter(policy=OuterRef("pk")).order_by(column)
    return ArraySubquery(rows.values(column))


def _with_days_off(rows: QuerySet, calendar: str) -> QuerySet:
    days = Holiday.objects.filter(calendar=OuterRef(calendar)).order_by("on")
    return rows.annotate(
        days_off=ArraySubquery(days.values(row=JSONObject(on="on", is_yearly="is_yearly")))
    )


def _hours(calendar: Calendar, days_off: list[dict]) -> Hours:
    days = ((date.fromisoformat(row["on"]), row["is_yearly"]) for row in days_off)
    return calendars.make_hours(calendar, days)


def _terms(policy: Policy, default_hours: Hours) -> Terms:
    minutes = {
        Measure.ANSWER: policy.answer_minutes,
        Measure.SOLUTION: policy.solution_minutes,
    }
    return Terms(
        policy_id=policy.pk,
        is_active=policy.is_active,
        priorities=tuple(policy.priorities),
        categories=tuple(policy.category_ids),
        organisations=tuple(policy.organisation_ids),
        is_premium=policy.is_premium,
        seconds=tuple((str(name), value * 60) for name, value in minutes.items() if value),
        hours=_hours(policy.calendar, policy.days_off) if policy.calendar else default_hours,
        escalations=tuple(
            Planned(row["id"], row["measure"], row["minutes"] * 60) for row in policy.planned
        ),
    )


def _canonical(value: object) -> str:
    """The same text for the same rules in every process; sets are sorted."""
    if isinstance(value, frozenset):
        return repr(sorted(value))
    if isinstance(value, tuple):
        return "(" + ",".join(_canonical(part) for part in value) + ")"
    if isinstance(value, Rules | Terms | Hours | Holidays | Planned):
        return _canonical(tuple(vars(value)[name] for name in value.__dataclass_fields__))
    return str(value)
