"""Queries for ticket lists: their rows, and how many there are."""

import time
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple, TypedDict

from django.db import OperationalError, transaction
from django.db.models import Count, Q, QuerySet

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, User
from appliance.core import cache, cache_values
from appliance.core.database import columns_except, statement_timeout
from appliance.tickets.filters import (
    SENTIMENTS,
    TicketFilter,
    annotate_sentiment,
    due_soon_filter,
    overdue_filter,
    sentiment_expression,
)
from appliance.tickets.models import Priority, Status, Ticket, TicketCategory
from appliance.tickets.sorts import NEWEST, Sort

MAX_COUNTED = 1000  # a larger number is shown as "1,000+"
COUNT_MILLISECONDS = 300
MAX_TAG_FACETS = 12
LARGE_COUNT = 5000  # counting more takes longer than rendering the page
COUNT_CACHE_SECONDS = 15
COUNTING_SECONDS = 5  # after which another process may count
# whole tickets, customers and agents are three times as much to read as what a row shows
DEFERRED_COLUMNS = (
    *columns_except(
        Ticket,
        "subject",
        "status",
        "priority",
        "sentiment_score",
        "language",
        "created_at",
        "updated_at",
        "customer",
        "category",
        "assignee",
        "team",
    ),
    *columns_except(
        Customer,
        "first_name",
        "last_name",
        "email",
        "is_premium",
        "organisation",
        prefix="customer__",
    ),
    *columns_except(TicketCategory, "name", prefix="category__"),
    *columns_except(User, "first_name", "last_name", "email", prefix="assignee__"),
)
OPTIONAL_JOINS = {"team": "team", "organisation": "customer__organisation"}


class OpenCounts(TypedDict):
    """Numbers of open tickets, and for each property numbers by its value."""

    total: int
    premium: int
    status: dict[str, int]  # with solved ones
    priority: dict[int, int]
    category: dict[str, int]  # by slug, or "none"
    sentiment: dict[str, int]  # by one of SENTIMENTS, or "unread"
    assignee: dict[str, int]  # "me" and "nobody"
    team: dict[str, int]  # "mine", "none" and primary keys
    tag: dict[str, int]  # the most frequent ones
    due: dict[str, int]  # "overdue" and "soon"


@cache_values.register
class _PropertyCounts(NamedTuple):
    status: Counter[str]
    priority: Counter[int]
    category: Counter[str]
    sentiment: Counter[str]


@cache_values.register
class _PeopleCounts(NamedTuple):
    premium: int
    assignee: Counter[int | None]
    team: Counter[str]
    due: Counter[str]


@cache_values.register
class _SharedCounts(NamedTuple):
    """Counts that are the same for all viewers who see the same tickets."""

    properties: _PropertyCounts
    people: _PeopleCounts
    solved: int
    tag: dict[str, int]

    @property
    def total(self) -> int:
        return self.properties.status.total()


def list_tickets(
    viewer: User, filters: TicketFilter, sort: Sort = NEWEST, *, columns: Collection[str] = ()
) -> QuerySet[Ticket]:
    """Return the viewer's tickets in an order, with what a row of the list shows.

    Of ``columns``, those that need a join or query are team, organisation and tags; those of custom
    fields (``field:key``) need the values, which are not loaded otherwise.
    """
    related = [relation for name, relation in OPTIONAL_JOINS.items() if name in columns]
    tickets = filters.apply(Ticket.objects.visible_to(viewer), viewer)
    tickets = annotate_sentiment(tickets).select_related(
        "customer", "category", "assignee", *related
    )
    shows_values = any(":" in name for name in columns)  # of custom fields
    tickets = tickets.defer(None).defer(
        *(name for name in DEFERRED_COLUMNS if name != "fields" or not shows_values)
    )
    return sort.apply(tickets.prefetch_related("tags") if "tags" in columns else tickets)


def list_ticket_ids(viewer: User, filters: TicketFilter, sort: Sort, limit: int) -> list[int]:
    """Return the primary keys of the first tickets of a list."""
    tickets = filters.apply(Ticket.objects.visible_to(viewer), viewer)
    return [ticket.pk for ticket in sort.apply(tickets.only("pk"))[:limit]]


def count_tickets(viewer: User, filters: TicketFilter) -> int | None:
    """Return the number of tickets of a list, cached; MAX_COUNTED + 1 if there are more.

    None if counting takes too long: the page does not wait for it.
    """
    return cache.get_or_compute(
        "list_counts",
        [*_viewer_scope(viewer, is_personal=filters.is_personal), filters],
        lambda: _count(viewer, filters),
        depends_on=[cache.TICKETS, cache.TEAMS],
    )


def _count(viewer: User, filters: TicketFilter) -> int | None:
    tickets = filters.apply(Ticket.objects.visible_to(viewer), viewer)
    if filters == TicketFilter(status=filters.status):  # an index has them in a row
        return tickets[: MAX_COUNTED + 1].count()
    try:
        with transaction.atomic(), statement_timeout(milliseconds=COUNT_MILLISECONDS):
            return tickets[: MAX_COUNTED + 1].count()
    except OperationalError:
        return None


def count_open(viewer: User) -> OpenCounts:
    """Count the viewer's open tickets by the properties that queues are made of, cached.

    Viewers who see the same tickets share the counts. Of more than LARGE_COUNT tickets they may be
    COUNT_CACHE_SECONDS old: there, tickets change while they are counted.
    """
    scope = _viewer_scope(viewer)
    shared = cache.get_or_compute(
        "open_counts",
        scope,
        lambda: _recent_counts(scope) or _recount(viewer, scope),
        depends_on=[cache.TICKETS, cache.CATEGORIES, cache.TEAMS],
    )
    properties, people = shared.properties, shared.people
    team = dict(people.team)
    team["mine"] = sum(team.get(str(pk), 0) for pk in accounts_queries.team_ids_of(viewer))
    return OpenCounts(
        total=shared.total,
        premium=people.premium,
        status={**properties.status, Status.SOLVED: shared.solved},
        priority=dict(properties.priority),
        category=dict(properties.category),
        sentiment=dict(properties.sentiment),
        assignee={"me": people.assignee[viewer.pk], "nobody": people.assignee[None]},
        team=team,
        tag=shared.tag,
        due=dict(people.due),
    )


def _recent_counts(scope: list[object]) -> _SharedCounts | None:
    """Return counts of the last seconds if there are many tickets.

    While one process counts anew, others get what was counted before.
    """
    entry = cache.get_value("open_counts", scope)
    if not isinstance(entry, tuple):
        return None
    counted_at, counts = entry
    if counts.total <= LARGE_COUNT:
        return None
    if time.time() - counted_at < COUNT_CACHE_SECONDS:
        return counts
    is_first = cache.claim("open_counts", scope, seconds=COUNTING_SECONDS)
    return None if is_first else counts


def _recount(viewer: User, scope: list[object]) -> _SharedCounts:
    counts, now = _count_open(viewer), time.time()
    cache.set_value("open_counts", scope, (now, counts), seconds=cache.LIFETIME_SECONDS)
    return counts


def _viewer_scope(viewer: User, *, is_personal: bool = False) -> list[object]:
    """Return a cache key part that is the same for viewers who see the same tickets."""
    if is_personal or not viewer.is_agent or not viewer.is_active:
        return ["person", viewer.pk, viewer.role]
    return ["agents", accounts_queries.hidden_team_ids(viewer)]


def _count_open(viewer: User) -> _SharedCounts:
    visible = Ticket.objects.visible_to(viewer)
    return _SharedCounts(
        properties=_count_by_properties(visible.open()),
        people=_count_by_people(visible.open()),
        solved=visible.filter(status=Status.SOLVED)[: MAX_COUNTED + 1].count(),
        tag=_count_by_tag(visible.open()) if viewer.is_agent else {},
    )


def _count_by_properties(tickets: QuerySet[Ticket]) -> _PropertyCounts:
    groups = (
        tickets.values("status", "priority", "category__slug", sentiment=sentiment_expression())
        .order_by()
        .annotate(n=Count("pk"))
    )
    counts = _PropertyCounts(
        status=Counter(dict.fromkeys(Status.values, 0)),
        priority=Counter(dict.fromkeys(Priority.values, 0)),
        category=Counter(),
        sentiment=Counter(dict.fromkeys([*SENTIMENTS, "unread"], 0)),
    )
    for group in groups:
        counts.status[group["status"]] += group["n"]
        counts.priority[group["priority"]] += group["n"]
        counts.category[group["category__slug"] or "none"] += group["n"]
        counts.sentiment[group["sentiment"] or "unread"] += group["n"]
    return counts


def _count_by_people(tickets: QuerySet[Ticket]) -> _PeopleCounts:
    groups = (
        tickets.values("assignee", "team")
        .order_by()
        .annotate(
            n=Count("pk"),
            overdue=Count("pk", filter=overdue_filter()),
            soon=Count("pk", filter=due_soon_filter()),
            premium=Count("pk", filter=Q(customer__is_premium=True)),
        )
    )
    premium = 0
    assignee: Counter[int | None] = Counter()
    team: Counter[str] = Counter()
    due = Counter(overdue=0, soon=0)
    for group in groups:
        premium += group["premium"]
        assignee[group["assignee"]] += group["n"]
        team[str(group["team"]) if group["team"] else "none"] += group["n"]
        due.update(overdue=group["overdue"], soon=group["soon"])
    return _PeopleCounts(premium, assignee, team, due)


def _count_by_tag(tickets: QuerySet[Ticket]) -> dict[str, int]:
    """Return the numbers of tickets with the most frequent tags."""
    groups = (
        tickets.filter(tags__isnull=False)
        .values("tags__name")
        .order_by()
        .annotate(n=Count("pk"))
        .order_by("-n", "tags__name")[:MAX_TAG_FACETS]
    )
    return {group["tags__name"]: group["n"] for group in groups}
