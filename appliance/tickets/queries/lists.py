"""Lists of tickets: their rows, and how many there are."""

import time
from collections import Counter
from collections.abc import Collection

from django.db import OperationalError, transaction
from django.db.models import Count, Q, QuerySet

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, User
from appliance.core import cache
from appliance.core.database import columns_except, statement_timeout
from appliance.tickets.filters import (
    SENTIMENTS,
    TicketFilter,
    annotate_sentiment,
    due_soon_filter,
    overdue_filter,
)
from appliance.tickets.models import Priority, Status, Ticket, TicketCategory
from appliance.tickets.sorts import NEWEST, Sort

MAX_COUNTED = 1000  # a count beyond it is "1,000+": nobody works through more than that
COUNT_MILLISECONDS = 300
MAX_TAG_FACETS = 12
LARGE_COUNT = 5000  # to count more takes longer than the page around it
COUNT_CACHE_SECONDS = 15
COUNTING_SECONDS = 5  # after which another one tries
# Whole tickets, customers and agents are three times as much to read as what a row of them shows.
DEFERRED_COLUMNS = (
    *columns_except(
        Ticket,
        "subject",
        "status",
        "priority",
        "sentiment_score",
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


def list_tickets(
    viewer: User, filters: TicketFilter, sort: Sort = NEWEST, *, beside: Collection[str] = ()
) -> QuerySet[Ticket]:
    """The viewer's tickets in that order, with what a row of the list shows.

    ``beside`` names what else it shall show: team, organisation, tags.
    """
    related = [relation for name, relation in OPTIONAL_JOINS.items() if name in beside]
    tickets = filters.apply(Ticket.objects.visible_to(viewer), viewer)
    rows = annotate_sentiment(tickets).select_related("customer", "category", "assignee", *related)
    rows = rows.defer(*DEFERRED_COLUMNS)
    return sort.apply(rows.prefetch_related("tags") if "tags" in beside else rows)


def list_ticket_ids(viewer: User, filters: TicketFilter, sort: Sort, most: int) -> list[int]:
    """The first tickets of a list."""
    tickets = filters.apply(Ticket.objects.visible_to(viewer), viewer)
    return [ticket.pk for ticket in sort.apply(tickets.only("pk"))[:most]]


def count_tickets(viewer: User, filters: TicketFilter) -> int | None:
    """How many the list holds, one more than MAX_COUNTED at most; from the cache if there.
    None if that takes too long: a number at the side is not worth a slow page.
    """
    return cache.get_or_compute(
        "list_counts",
        [*_viewer_scope(viewer, is_personal=filters.is_personal), filters],
        lambda: _count(viewer, filters),
        depends_on=[cache.TICKETS, cache.TEAMS],
    )


def _count(viewer: User, filters: TicketFilter) -> int | None:
    tickets = filters.apply(Ticket.objects.visible_to(viewer), viewer)
    if filters == TicketFilter(status=filters.status):  # an index has them one after the other
        return tickets[: MAX_COUNTED + 1].count()
    try:
        with transaction.atomic(), statement_timeout(milliseconds=COUNT_MILLISECONDS):
            return tickets[: MAX_COUNTED + 1].count()
    except OperationalError:
        return None


def count_open(viewer: User) -> dict[str, dict]:
    """Open tickets of the viewer by what queues are made of; from the cache if there.

    Shape: {"total": n, "status": {value: n}, "priority": {…}, "category": {slug: n}, "sentiment":
    {name: n}, "assignee": {"me": n, "nobody": n}, "team": {"mine": n, "none": n, id: n}, "tag":
    {name: n}, "due": {"overdue": n, "soon": n}, "premium": n}. Solved ones count by status too.
    People who see the same tickets share the work of counting them. Of more than LARGE_COUNT it may
    be a minute old: there, something changes before they are counted.
    """
    audience = _viewer_scope(viewer)
    counted = cache.get_or_compute(
        "dashboard_counts",
        audience,
        lambda: _cached_count(audience) or _recount(viewer, audience),
        depends_on=[cache.TICKETS, cache.CATEGORIES, cache.TEAMS],
    )
    by_person, by_team = counted["assignee"], counted["team"]
    mine = sum(by_team.get(str(pk), 0) for pk in accounts_queries.team_ids_of(viewer))
    return counted | {
        "assignee": {"me": by_person.get(viewer.pk, 0), "nobody": by_person.get(None, 0)},
        "team": {**by_team, "mine": mine},
    }


def _cached_count(audience: list[object]) -> dict[str, dict] | None:
    """What was counted some seconds ago, where that takes long; while one counts anew, others are
    shown what was.
    """
    counted_at, counts = cache.get_value("dashboard_counts", audience) or (0, {"total": 0})
    if counts["total"] <= LARGE_COUNT:
        return None
    if time.time() - counted_at < COUNT_CACHE_SECONDS:
        return counts
    is_first = cache.claim("dashboard_counts", audience, seconds=COUNTING_SECONDS)
    return None if is_first else counts


def _recount(viewer: User, audience: list[object]) -> dict[str, dict]:
    counts, now = _count_open(viewer), time.time()
    cache.set_value("dashboard_counts", audience, (now, counts), seconds=cache.LIFETIME_SECONDS)
    return counts


def _viewer_scope(viewer: User, *, is_personal: bool = False) -> list[object]:
    """What two people have in common who see the same tickets."""
    if is_personal or not viewer.is_agent or not viewer.is_active:
        return ["person", viewer.pk, viewer.role]
    return ["agents", accounts_queries.hidden_team_ids(viewer)]


def _count_open(viewer: User) -> dict[str, dict]:
    visible = Ticket.objects.visible_to(viewer)
    counts = _by_properties(visible.open()) | _by_people(visible.open())
    counts["total"] = sum(counts["status"].values())
    solved = visible.filter(status=Status.SOLVED)
    counts["status"][Status.SOLVED] = solved[: MAX_COUNTED + 1].count()
    counts["tag"] = _by_tag(visible.open()) if viewer.is_agent else {}
    return counts


def _by_properties(tickets: QuerySet[Ticket]) -> dict[str, dict]:
    rows = (
        annotate_sentiment(tickets)
        .values("status", "priority", "category__slug", "sentiment")
        .order_by()
        .annotate(n=Count("pk"))
    )
    counts: dict[str, Counter] = {
        "status": Counter(dict.fromkeys(Status.values, 0)),
        "priority": Counter(dict.fromkeys(Priority.values, 0)),
        "category": Counter(),
        "sentiment": Counter(dict.fromkeys([*SENTIMENTS, "unread"], 0)),
    }
    for row in rows:
        counts["status"][row["status"]] += row["n"]
        counts["priority"][row["priority"]] += row["n"]
        counts["category"][row["category__slug"] or "none"] += row["n"]
        counts["sentiment"][row["sentiment"] or "unread"] += row["n"]
    return {name: dict(counter) for name, counter in counts.items()}


def _by_people(tickets: QuerySet[Ticket]) -> dict[str, dict]:
    rows = (
        tickets.values("assignee", "team")
        .order_by()
        .annotate(
            n=Count("pk"),
            overdue=Count("pk", filter=overdue_filter()),
            soon=Count("pk", filter=due_soon_filter()),
            premium=Count("pk", filter=Q(customer__is_premium=True)),
        )
    )
    people, teams, due, premium = Counter(), Counter(), Counter(overdue=0, soon=0), 0
    for row in rows:
        people[row["assignee"]] += row["n"]
        teams[str(row["team"]) if row["team"] else "none"] += row["n"]
        due.update(overdue=row["overdue"], soon=row["soon"])
        premium += row["premium"]
    return {"assignee": dict(people), "team": dict(teams), "due": dict(due), "premium": premium}


def _by_tag(tickets: QuerySet[Ticket]) -> dict[str, int]:
    """The commonest tags."""
    rows = (
        tickets.filter(tags__isnull=False)
        .values("tags__name")
        .order_by()
        .annotate(n=Count("pk"))
        .order_by("-n", "tags__name")[:MAX_TAG_FACETS]
    )
    return {row["tags__name"]: row["n"] for row in rows}
