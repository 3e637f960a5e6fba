"""What a ticket's score says in one word."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db.models import Case, CharField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models import OPEN_STATUSES, Ticket
from appliance.tickets.models.ticket import NEVER

# A score this far from zero is a sentiment; between them lies a plain report.
SENTIMENT_THRESHOLD = 0.33
SENTIMENTS = ("negative", "neutral", "positive")


def has_sentiment(sentiment: str) -> Q:
    """Tickets of one of SENTIMENTS, or those nobody has read (anything else)."""
    edge = SENTIMENT_THRESHOLD
    return {
        "negative": Q(sentiment_score__lt=-edge),
        "positive": Q(sentiment_score__gt=edge),
        "neutral": Q(sentiment_score__gte=-edge, sentiment_score__lte=edge),
    }.get(sentiment, Q(sentiment_score=None))


def annotate_sentiment(tickets: QuerySet) -> QuerySet:
    """Adds ``sentiment``, one of SENTIMENTS, None while nobody has read it."""
    cases = [When(has_sentiment(sentiment), then=Value(sentiment)) for sentiment in SENTIMENTS]
    return tickets.annotate(sentiment=Case(*cases, output_field=CharField()))


ANY = "any"  # of status: open or not
SOON = timedelta(hours=2)  # a promise that falls due within this is due soon
DUE = Coalesce("due_at", Value(NEVER))  # as the index has it
NUMBER_FILTERS = ("priority", "customer", "organisation")
CUSTOMER_FILTERS = {"status", "category"}  # the rest is the desk's own view of a ticket


@dataclass(frozen=True)
class TicketFilter:
    """Filters of a ticket list. Empty means all open tickets."""

    status: str = ""
    priority: int | None = None
    category: str = ""  # a slug, or "none"
    sentiment: str = ""  # one of SENTIMENTS, or "unread"
    assignee: str = ""  # "me", "nobody" or an id
    team: str = ""  # "mine", "none" or an id
    customer: int | None = None
    organisation: int | None = None
    tag: str = ""
    premium: bool = False
    due: str = ""  # "overdue" or "soon"

    @classmethod
    def of(cls, stored: dict[str, str]) -> "TicketFilter":
        """What ``as_query`` gave, unchecked. To be shown it goes through the form again."""
        known = {field.name: stored[field.name] for field in fields(cls) if stored.get(field.name)}
        numbers = {name: int(known[name]) for name in NUMBER_FILTERS if name in known}
        return cls(**known | numbers | {"premium": bool(stored.get("premium"))})

    @property
    def is_filtered(self) -> bool:
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
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: "1" if value is True else str(value) for name, value in values.items() if value
        }

    def apply(self, tickets: QuerySet[Ticket], viewer: User) -> QuerySet[Ticket]:
        return tickets.filter(_status(self.status), *self._conditions(viewer))

    def _conditions(self, viewer: User) -> list[Q]:
        values = {name: getattr(self, name) for name in CONDITIONS}
        return [
            CONDITIONS[name](value, viewer)
            for name, value in values.items()
            if value and (viewer.is_agent or name in CUSTOMER_FILTERS)
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
    "sentiment": lambda value, viewer: has_sentiment(value),
    "assignee": _assignee,
    "team": _team,
    "customer": lambda value, viewer: Q(customer=value),
    "organisation": lambda value, viewer: Q(customer__organisation=value),
    "tag": lambda value, viewer: Q(tags__name__iexact=value),
    "premium": lambda value, viewer: Q(customer__is_premium=True),
    "due": lambda value, viewer: is_overdue() if value == "overdue" else is_due_soon(),
}
