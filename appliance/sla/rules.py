"""All policies at once, as the arithmetic of clocks reads them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from django.db import connection

from appliance.calendars import queries as calendars_queries
from appliance.calendars.worktime import ROUND_THE_CLOCK, Hours
from appliance.tickets.models import Ticket

_held: ContextVar["Rules | None"] = ContextVar("held_rules", default=None)
SQL = (Path(__file__).parent / "sql" / "rules.sql").read_text()


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
    names_organisations: bool
    is_premium: bool | None
    seconds: Mapping[str, int]  # of work, by measure; what is not promised is left out
    hours: Hours
    escalations: tuple[Planned, ...]

    def fits(self, ticket: Ticket) -> bool:
        customer = ticket.customer
        return (
            self.is_active
            and (not self.priorities or ticket.priority in self.priorities)
            and (not self.categories or ticket.category_id in self.categories)
            and (not self.names_organisations or customer.organisation_id in self.organisations)
            and self.is_premium in (None, customer.is_premium)
        )


@dataclass(frozen=True)
class Rules:
    """``digest`` is another one whenever a due time could come out otherwise."""

    digest: str
    policies: tuple[Terms, ...]
    default_hours: Hours

    def match(self, ticket: Ticket) -> Terms | None:
        return next((terms for terms in self.policies if terms.fits(ticket)), None)

    def find(self, policy_id: int | None) -> Terms | None:
        return next((terms for terms in self.policies if terms.policy_id == policy_id), None)

    def hours_of(self, policy_id: int | None) -> Hours:
        """What time is counted by; without a policy, the desk's default."""
        terms = self.find(policy_id)
        return terms.hours if terms else self.default_hours


def load_rules() -> Rules:
    """As they are now: one query; read anew only when something changed."""
    if (held := _held.get()) is not None:
        return held
    with connection.cursor() as cursor:
        cursor.execute(SQL)
        return _read(cursor.fetchone()[0])


@contextmanager
def hold_rules() -> Iterator[None]:
    """They are read once for all that is done inside, which must not change them."""
    token = _held.set(load_rules())
    try:
        yield
    finally:
        _held.reset(token)


@lru_cache(maxsize=4)
def _read(text: str) -> Rules:
    said = json.loads(text)
    default_hours = _hours(said["default_hours"]) or ROUND_THE_CLOCK
    return Rules(
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
        policies=tuple(_terms(row, default_hours) for row in said["policies"]),
        default_hours=default_hours,
    )


def _hours(said: dict | None) -> Hours | None:
    if said is None:
        return None
    days = ((date.fromisoformat(on), is_yearly) for on, is_yearly in said["days_off"])
    return calendars_queries.make_hours(said["week"], said["time_zone"], days)


def _terms(row: dict, default_hours: Hours) -> Terms:
    return Terms(
        policy_id=row["id"],
        is_active=row["is_active"],
        priorities=tuple(row["priorities"]),
        categories=tuple(row["categories"]),
        organisations=tuple(row["organisations"]),
        names_organisations=row["names_organisations"],
        is_premium=row["is_premium"],
        seconds={name: value * 60 for name, value in row["minutes"].items() if value},
        hours=_hours(row["hours"]) or default_hours,
        escalations=tuple(
            Planned(pk, measure, minutes * 60) for pk, measure, minutes in row["escalations"]
        ),
    )
