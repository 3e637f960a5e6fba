"""Conditions of ticket lists: sentiment, due time, and the filters a person sets."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db.models import (
    Case,
    CharField,
    F,
    Func,
    JSONField,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThan, IContains, IExact, LessThanOrEqual
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models import OPEN_STATUSES, Ticket
from appliance.tickets.models.ticket import NEVER

SENTIMENT_THRESHOLD = 0.33  # scores nearer to zero are neutral
SENTIMENTS = ("negative", "neutral", "positive")
ANY_STATUS = "any"
NO_LANGUAGE = "none"
DUE_SOON = timedelta(hours=2)
DUE_ORDER = Coalesce("due_at", Value(NEVER))  # the expression of ticket_due_idx


def sentiment_filter(sentiment: str) -> Q:
    """Match tickets of one of SENTIMENTS; for any other text those without a score."""
    conditions = {
        "negative": Q(sentiment_score__lt=-SENTIMENT_THRESHOLD),
        "positive": Q(sentiment_score__gt=SENTIMENT_THRESHOLD),
        "neutral": Q(
            sentiment_score__gte=-SENTIMENT_THRESHOLD, sentiment_score__lte=SENTIMENT_THRESHOLD
        ),
    }
    return conditions.get(sentiment, Q(sentiment_score=None))


def sentiment_expression() -> Case:
    """Return an expression for one of SENTIMENTS, null without a score."""
    cases = [When(sentiment_filter(sentiment), then=Value(sentiment)) for sentiment in SENTIMENTS]
    return Case(*cases, output_field=CharField())


def annotate_sentiment(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Add ``sentiment``, one of SENTIMENTS or None without a score."""
    return tickets.annotate(sentiment=sentiment_expression())


def language_filter(language: str) -> Q:
    """Match tickets in a language, or with NO_LANGUAGE those in which none was recognised."""
    return Q(language="" if language == NO_LANGUAGE else language)


def overdue_filter() -> Q:
    return _due_filter(timezone.now())


def due_soon_filter() -> Q:
    now = timezone.now()
    return _due_filter(now + DUE_SOON) & Q(GreaterThan(DUE_ORDER, now))


def _due_filter(until: datetime) -> Q:
    """Match open tickets due by ``until``.

    The column lets PostgreSQL estimate how few they are, the expression lets it use the index.
    """
    return Q(LessThanOrEqual(DUE_ORDER, until), due_at__lte=until, status__in=OPEN_STATUSES)


def field_filter(key: str, value: str) -> Q:
    """Match tickets with this value of a custom field: a part of a text, or the same number."""
    if not value:
        return Q(fields__has_key=key)
    text = field_text(key)
    kind = Func(_field_json(key), function="jsonb_typeof", output_field=TextField())
    return Q(Exact(kind, Value("string")), IContains(text, value)) | Q(IExact(text, value))


def field_text(key: str) -> Func:
    """Return the value of a custom field as text.

    Django's transforms would take some keys for lookups, and digits for a place in a list.
    """
    function = "jsonb_extract_path_text"
    return Func(F("fields"), Value(key), function=function, output_field=TextField())


def _field_json(key: str) -> Func:
    return Func(F("fields"), Value(key), function="jsonb_extract_path", output_field=JSONField())


@dataclass(frozen=True)
class TicketFilter:
    """Filters of a ticket list. Without any, the list has all open tickets."""

    status: str = ""
    priority: int | None = None
    category: str = ""  # a slug, or "none"
    sentiment: str = ""  # one of SENTIMENTS, or "unread"
    channel: str = ""
    language: str = ""  # a code, or "none"
    assignee: str = ""  # "me", "nobody" or a primary key
    team: str = ""  # "mine", "none" or a primary key
    customer: int | None = None
    organisation: int | None = None
    tag: str = ""
    premium: bool = False
    due: str = ""  # "overdue" or "soon"
    field: str = ""  # the key of a custom field
    field_value: str = ""  # of that field; without it, any value

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "TicketFilter":
        """Return the filter that ``as_query`` wrote. Raises ValueError for a wrong number."""

        def number(name: str) -> int | None:
            return int(query[name]) if query.get(name) else None

        return cls(
            status=query.get("status", ""),
            priority=number("priority"),
            category=query.get("category", ""),
            sentiment=query.get("sentiment", ""),
            channel=query.get("channel", ""),
            language=query.get("language", ""),
            assignee=query.get("assignee", ""),
            team=query.get("team", ""),
            customer=number("customer"),
            organisation=number("organisation"),
            tag=query.get("tag", ""),
            premium=bool(query.get("premium")),
            due=query.get("due", ""),
            field=query.get("field", ""),
            field_value=query.get("field_value", ""),
        )

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
        """Return the filters that are set, as an address or a saved view holds them."""
        items = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return {name: "1" if value is True else str(value) for name, value in items if value}

    def apply(self, tickets: QuerySet[Ticket], viewer: User) -> QuerySet[Ticket]:
        """Filter the tickets; a customer's lists know only status and category."""
        conditions = [self._status_filter(), *self._category_filter()]
        if viewer.is_agent:
            conditions += self._agent_filters(viewer)
        return tickets.filter(*conditions)

    def _status_filter(self) -> Q:
        if self.status == ANY_STATUS:
            return Q()
        return Q(status=self.status) if self.status else Q(status__in=OPEN_STATUSES)

    def _category_filter(self) -> list[Q]:
        slug = None if self.category == "none" else self.category
        return [Q(category__slug=slug)] if self.category else []

    def _agent_filters(self, viewer: User) -> list[Q]:
        conditions = self._people_filters(viewer)
        if self.priority:
            conditions.append(Q(priority=self.priority))
        if self.sentiment:
            conditions.append(sentiment_filter(self.sentiment))
        if self.channel:
            conditions.append(Q(channel=self.channel))
        if self.language:
            conditions.append(language_filter(self.language))
        if self.customer:
            conditions.append(Q(customer=self.customer))
        if self.organisation:
            conditions.append(Q(customer__organisation=self.organisation))
        if self.tag:
            conditions.append(Q(tags__name__iexact=self.tag))
        if self.premium:
            conditions.append(Q(customer__is_premium=True))
        if self.due:
            conditions.append(overdue_filter() if self.due == "overdue" else due_soon_filter())
        if self.field:
            conditions.append(field_filter(self.field, self.field_value))
        return conditions

    def _people_filters(self, viewer: User) -> list[Q]:
        conditions = []
        if self.assignee == "nobody":
            conditions.append(Q(assignee=None))
        elif self.assignee:
            assignee = viewer.pk if self.assignee == "me" else int(self.assignee)
            conditions.append(Q(assignee=assignee))
        if self.team == "none":
            conditions.append(Q(team=None))
        elif self.team == "mine":
            conditions.append(Q(team__in=viewer.teams.values("pk")))
        elif self.team:
            conditions.append(Q(team=int(self.team)))
        return conditions
