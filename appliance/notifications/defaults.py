"""Who is told what unless they choose otherwise. No I/O: values in, values out."""

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.accounts.models import User
from appliance.notifications.models import Kind, Mail, Preference

AGENT_KINDS = (
    Kind.ESCALATED,
    Kind.WARNING,
    Kind.MENTIONED,
    Kind.ASSIGNED,
    Kind.ANSWERED,
    Kind.WATCHED,
    Kind.CHANGED,
    Kind.TEAM,
    Kind.REVIEW,
)
CUSTOMER_KINDS = (Kind.ANSWER, Kind.SOLVED)
BY_MAIL = {
    Kind.ESCALATED: Mail.AT_ONCE,
    Kind.WARNING: Mail.AT_ONCE,
    Kind.MENTIONED: Mail.AT_ONCE,
    Kind.ASSIGNED: Mail.AT_ONCE,
    Kind.ANSWERED: Mail.HOURLY,
    Kind.WATCHED: Mail.NEVER,
    Kind.CHANGED: Mail.NEVER,
    Kind.TEAM: Mail.NEVER,
    Kind.REVIEW: Mail.AT_ONCE,
    Kind.ANSWER: Mail.AT_ONCE,
    Kind.SOLVED: Mail.AT_ONCE,
}
WEIGHT = {kind: weight for weight, kind in enumerate(Kind)}


@dataclass(frozen=True)
class Wish:
    """How one person wants to be told of one kind."""

    in_window: bool
    by_mail: Mail


def kinds_of(user: User) -> tuple[Kind, ...]:
    """What can happen to somebody of this role, the weightiest first."""
    return AGENT_KINDS if user.is_agent else CUSTOMER_KINDS


def wish(user: User, kind: Kind, chosen: Preference | None) -> Wish:
    """What they chose, else the default of the role; no mail to an agent who is away."""
    in_window = bool(chosen.in_window.get(kind, True)) if chosen else True
    by_mail = chosen.by_mail.get(kind, BY_MAIL[kind]) if chosen else BY_MAIL[kind]
    is_quiet = chosen.is_quiet_when_away if chosen else True
    if user.is_away and is_quiet:
        by_mail = Mail.NEVER
    return Wish(in_window, Mail(by_mail))


def weightiest(kinds: Iterable[Kind | str]) -> Kind:
    return max(map(Kind, kinds), key=WEIGHT.__getitem__)
