"""All SLA policies as immutable values, as the timer arithmetic reads them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import connection

from appliance.sla import queries
from appliance.sla.working_time import ROUND_THE_CLOCK, Hours
from appliance.tickets.models import Ticket

_policies: ContextVar["PolicySet | None"] = ContextVar("sla_policies", default=None)
SQL = (Path(__file__).parent / "sql" / "policies.sql").read_text()


@dataclass(frozen=True)
class EscalationRule:
    """An escalation: business seconds after (negative: before) the target is due."""

    escalation_id: int
    metric: str
    seconds: int


@dataclass(frozen=True)
class PolicyTerms:
    """One policy: conditions, targets, business hours and escalations."""

    policy_id: int
    is_active: bool
    priorities: tuple[int, ...]
    categories: tuple[int, ...]
    organisations: tuple[int, ...]
    names_organisations: bool
    is_premium: bool | None
    seconds: Mapping[str, int]  # business seconds by SlaMetric; metrics without a target are absent
    hours: Hours
    escalations: tuple[EscalationRule, ...]

    def matches(self, ticket: Ticket) -> bool:
        """Return whether the policy is active and the ticket meets every condition."""
        customer = ticket.customer
        return (
            self.is_active
            and (not self.priorities or ticket.priority in self.priorities)
            and (not self.categories or ticket.category_id in self.categories)
            and (not self.names_organisations or customer.organisation_id in self.organisations)
            and self.is_premium in (None, customer.is_premium)
        )


@dataclass(frozen=True)
class PolicySet:
    """All policies. ``digest`` changes whenever a due time could change."""

    digest: str
    policies: tuple[PolicyTerms, ...]
    default_hours: Hours

    def match(self, ticket: Ticket) -> PolicyTerms | None:
        """Return the first policy that matches the ticket."""
        return next((terms for terms in self.policies if terms.matches(ticket)), None)

    def find(self, policy_id: int | None) -> PolicyTerms | None:
        """Return a policy, also one that was removed."""
        return next((terms for terms in self.policies if terms.policy_id == policy_id), None)

    def working_hours_of(self, policy_id: int | None) -> Hours:
        """Return the business hours of a policy; the default ones without a policy."""
        terms = self.find(policy_id)
        return terms.hours if terms else self.default_hours


def load_policies() -> PolicySet:
    """Return the current policies: one query, parsed again only when something changed."""
    if (current := _policies.get()) is not None:
        return current
    with connection.cursor() as cursor:
        cursor.execute(SQL)
        return _read(cursor.fetchone()[0])


@contextmanager
def reuse_policies() -> Iterator[None]:
    """Load the policies once for everything inside the block, which must not change them."""
    token = _policies.set(load_policies())
    try:
        yield
    finally:
        _policies.reset(token)


@lru_cache(maxsize=4)
def _read(text: str) -> PolicySet:
    data = json.loads(text)
    default_hours = _hours(data["default_hours"]) or ROUND_THE_CLOCK
    return PolicySet(
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
        policies=tuple(_terms(policy, default_hours) for policy in data["policies"]),
        default_hours=default_hours,
    )


def _hours(data: dict[str, Any] | None) -> Hours | None:
    if data is None:
        return None
    days = ((date.fromisoformat(on), is_yearly) for on, is_yearly in data["holidays"])
    return queries.make_hours(data["week"], data["time_zone"], days)


def _terms(policy: dict[str, Any], default_hours: Hours) -> PolicyTerms:
    return PolicyTerms(
        policy_id=policy["id"],
        is_active=policy["is_active"],
        priorities=tuple(policy["priorities"]),
        categories=tuple(policy["categories"]),
        organisations=tuple(policy["organisations"]),
        names_organisations=policy["names_organisations"],
        is_premium=policy["is_premium"],
        seconds={metric: minutes * 60 for metric, minutes in policy["minutes"].items() if minutes},
        hours=_hours(policy["hours"]) or default_hours,
        escalations=tuple(
            EscalationRule(pk, metric, minutes * 60)
            for pk, metric, minutes in policy["escalations"]
        ),
    )
