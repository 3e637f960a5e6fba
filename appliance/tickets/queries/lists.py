"""Lists of tickets: what they are narrowed to, their rows, and how many there are."""

from dataclasses import dataclass

from django.db.models import Case, CharField, Count, QuerySet, Value, When

from appliance.accounts.models import User
from appliance.core import cache
from appliance.tickets.models import Priority, Status, Ticket

# A score this far from zero is a mood; between them lies a plain report.
MOOD_THRESHOLD = 0.33
MOODS = ("negative", "neutral", "positive")


def with_mood(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Adds ``mood``, one of MOODS, None while nobody has read it."""
    return tickets.annotate(
        mood=Case(
            When(sentiment_score__lt=-MOOD_THRESHOLD, then=Value("negative")),
            When(sentiment_score__gt=MOOD_THRESHOLD, then=Value("positive")),
            When(sentiment_score__isnull=False, then=Value("neutral")),
            output_field=CharField(),
        )
    )


@dataclass(frozen=True)
class TicketFilter:
    """What a list is narrowed to. Empty means everything open."""

    status: str = ""
    priority: int | None = None
    category: str = ""
    mood: str = ""
    assignee: str = ""

    @property
    def is_narrowed(self) -> bool:
        return self != TicketFilter()

    def apply(self, tickets: QuerySet[Ticket], viewer: User) -> QuerySet[Ticket]:
        tickets = tickets.filter(status=self.status) if self.status else tickets.open()
        if self.priority is not None:
            tickets = tickets.filter(priority=self.priority)
        if self.category:
            chosen = None if self.category == "none" else self.category
            tickets = tickets.filter(category__slug=chosen)
        if self.mood and viewer.is_agent:
            tickets = with_mood(tickets).filter(mood=self.mood)
        if self.assignee == "me":
            tickets = tickets.filter(assignee=viewer)
        if self.assignee == "nobody":
            tickets = tickets.filter(assignee=None)
        return tickets


def list_tickets(viewer: User, narrowed: TicketFilter) -> QuerySet[Ticket]:
    """The viewer's tickets, newest first, with what a row of the list shows."""
    tickets = narrowed.apply(Ticket.objects.visible_to(viewer), viewer)
    related = ("customer", "category", "assignee")
    return with_mood(tickets).select_related(*related).order_by("-created_at", "-id")


def count_open(viewer: User) -> dict[str, dict]:
    """Open tickets of the viewer by status, priority, category and mood; from the cache if there.

    Shape: {"total": n, "status": {value: n}, "priority": {…}, "category": {slug: n},
    "mood": {name: n}, "assignee": {"me": n, "nobody": n}}. Solved ones are counted by status too.
    """
    return cache.remember(
        "dashboard_counts",
        [viewer.pk, viewer.role],
        lambda: _count_open(viewer),
        depends_on=[cache.TICKETS, cache.CATEGORIES],
    )


def _count_open(viewer: User) -> dict[str, dict]:
    visible = Ticket.objects.visible_to(viewer)
    rows = (
        with_mood(visible.open())
        .values("status", "priority", "category__slug", "mood", "assignee")
        .order_by()
        .annotate(n=Count("pk"))
    )
    counts: dict[str, dict] = {
        "status": dict.fromkeys(Status.values, 0),
        "priority": dict.fromkeys(Priority.values, 0),
        "category": {},
        "mood": dict.fromkeys([*MOODS, "unread"], 0),
        "assignee": {"me": 0, "nobody": 0},
    }
    for row in rows:
        mood = row["mood"] or "unread"
        category = row["category__slug"] or "none"
        counts["status"][row["status"]] += row["n"]
        counts["priority"][row["priority"]] += row["n"]
        counts["category"][category] = counts["category"].get(category, 0) + row["n"]
        counts["mood"][mood] += row["n"]
        if row["assignee"] in (viewer.pk, None):
            counts["assignee"]["me" if row["assignee"] else "nobody"] += row["n"]
    counts["total"] = sum(counts["status"].values())
    counts["status"][Status.SOLVED] = visible.filter(status=Status.SOLVED).count()
    return counts
