"""What a list of tickets is narrowed to. Only what is named here ever reaches the database."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models import OPEN_STATUSES, Ticket
from appliance.tickets.models.ticket import NEVER
from appliance.tickets.moods import in_mood

ANY = "any"  # of status: open or not
SOON = timedelta(hours=2)  # a promise that falls due within this is due soon
DUE = Coalesce("due_at", Value(NEVER))  # as the index has it
NUMBERS = ("priority", "customer", "organisation")
FOR_CUSTOMERS = {"status", "category"}  # the rest is the desk's own view of a ticket


@dataclass(frozen=True)
class TicketFilter:
    """What a list is narrowed to. Empty means everything open."""

    status: str = ""
    priority: int | None = None
    category: str = ""  # a slug, or "none"
    mood: str = ""  # one of MOODS, or "unread"
    assignee: str = ""  # "me", "nobody" or an id
    team: str = ""  # "mine", "none" or an id
    customer: int | None = None
    organisation: int | None = None
    tag: str = ""
    premium: bool = False
    due: str = ""  # "overdue" or "soon"

    @classmethod
    def of(cls, kept: dict[str, str]) -> "TicketFilter":
        """What ``as_query`` gave, unchecked. To be shown it goes through the form again."""
        known = {field.name: kept[field.name] for field in fields(cls) if kept.get(field.name)}
        numbers = {name: int(known[name]) for name in NUMBERS if name in known}
        return cls(**known | numbers | {"premium": bool(kept.get("premium"))})

    @property
    def is_narrowed(self) -> bool:
        return self != TicketFilter()

    @property
    def is_open(self) -> bool:
        """Whether every ticket of the list is open."""
        return self.status in ("", *OPEN_STATUSES)

    @property
    def is_personal(self) -> bool:
        """Whether two people who see the same tickets get different lists."""
        return self.assignee == "me" or self.team == "mine"

    def as_query(self) -> dict[str, str]:
        """What is set, as an address or a saved view holds it."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: "1" if value is True else str(value) for name, value in found.items() if value
        }

    def apply(self, tickets: QuerySet[Ticket], viewer: User) -> QuerySet[Ticket]:
        return tickets.filter(_status(self.status), *self._conditions(viewer))

    def _conditions(self, viewer: User) -> list[Q]:
        wanted = {name: getattr(self, name) for name in CONDITIONS}
        return [
            CONDITIONS[name](value, viewer)
            for name, value in wanted.items()
            if value and (viewer.is_agent or name in FOR_CUSTOMERS)
        ]


def _status(value: str) -> Q:
    if value == ANY:
        return Q()
    return Q(status=value) if value else Q(status__in=OPEN_STATUSES)


def _assignee(value: str, viewer: User) -> Q:
    if value == "nobody":
        return Q(assignee=None)
    return Q(assignee=viewer.pk if value == "me" else int(value))


def _team(value: str, viewer: User) -> Q:
    if value == "none":
        return Q(team=None)
    if value == "mine":
        return Q(team__in=viewer.teams.values("pk"))
    return Q(team=int(value))


def is_overdue() -> Q:
    return _is_due(timezone.now())


def is_due_soon() -> Q:
    now = timezone.now()
    return _is_due(now + SOON) & Q(GreaterThan(DUE, now))


def _is_due(until: datetime) -> Q:
    """Of open tickets, for nothing else is due. By the column PostgreSQL knows how few they are,
    by the words of the index it finds them.
    """
    in_index = LessThanOrEqual(DUE, until)
    return Q(in_index, due_at__lte=until, status__in=OPEN_STATUSES)


CONDITIONS: dict[str, Callable[[object, User], Q]] = {
    "priority": lambda value, viewer: Q(priority=value),
    "category": lambda value, viewer: Q(category__slug=None if value == "none" else value),
    "mood": lambda value, viewer: in_mood(value),
    "assignee": _assignee,
    "team": _team,
    "customer": lambda value, viewer: Q(customer=value),
    "organisation": lambda value, viewer: Q(customer__organisation=value),
    "tag": lambda value, viewer: Q(tags__name__iexact=value),
    "premium": lambda value, viewer: Q(customer__is_premium=True),
    "due": lambda value, viewer: is_overdue() if value == "overdue" else is_due_soon(),
}
