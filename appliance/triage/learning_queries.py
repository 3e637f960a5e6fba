"""Read what this desk has learned, for the page of the administrators."""

from dataclasses import dataclass
from typing import Literal

from django.db import connection
from django.db.models import QuerySet
from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.tickets.models import Ticket, TicketCategory
from appliance.triage import engine
from appliance.triage.head_evaluation import MIN_LABELS_PER_CATEGORY
from appliance.triage.models import CategoryHead, CategoryLabel, LearningSettings

MAX_COUNTED = 5000  # labels of one category and source
MAX_HISTORY = 10
# Counts at most MAX_COUNTED rows of each index range, whatever the size of the desk.
COUNTS_SQL = """
SELECT category.id, source.name, (
    SELECT count(*) FROM (
        SELECT 1 FROM triage_categorylabel AS label
        WHERE label.category_id = category.id AND label.source = source.name
        LIMIT %(most)s
    ) AS counted
)
FROM tickets_ticketcategory AS category, unnest(%(sources)s::text[]) AS source (name)
"""

LabelState = Literal["learned", "waiting", "description", "removed"]


@dataclass(frozen=True)
class LabelCounts:
    """The labels of one category by their source, each counted up to MAX_COUNTED."""

    category: TicketCategory
    corrected: int
    confirmed: int
    unchanged: int  # "kept": weak
    state: LabelState

    @property
    def total(self) -> int:
        return self.corrected + self.confirmed + self.unchanged

    @property
    def missing(self) -> int:
        """How many labels it takes until the category is learned."""
        return max(0, MIN_LABELS_PER_CATEGORY - self.total)


@dataclass(frozen=True)
class ChangedTicket:
    """An open ticket that a candidate would classify otherwise: slugs before and after."""

    ticket: Ticket
    before: str
    after: str


def list_label_counts(viewer: User) -> list[LabelCounts]:
    """Return active categories, and removed ones that still have labels."""
    require_admin(viewer)
    sources = [str(source) for source in CategoryLabel.Source]
    with connection.cursor() as cursor:
        cursor.execute(COUNTS_SQL, {"most": MAX_COUNTED, "sources": sources})
        counts = {(pk, source): count for pk, source, count in cursor.fetchall()}
    active = find_active_head(viewer)
    taught = set(active.counts) if active else set()
    rows = []
    for category in TicketCategory.objects.order_by("-is_active", "position", "name"):
        corrected, confirmed, weak = (counts[category.pk, source] for source in sources)
        state = _state(category, taught, corrected + confirmed + weak)
        if category.is_active or corrected + confirmed + weak:
            rows.append(LabelCounts(category, corrected, confirmed, weak, state))
    return rows


def _state(category: TicketCategory, taught: set[str], total: int) -> LabelState:
    if not category.is_active:
        return "removed"
    if category.slug in taught:
        return "learned"
    return "waiting" if total else "description"


def find_active_head(viewer: User) -> CategoryHead | None:
    """Return the head that is active, also while its embedding space is not."""
    require_admin(viewer)
    active = CategoryHead.objects.filter(state=CategoryHead.State.ACTIVE)
    return active.defer("content").select_related("by").first()


def find_latest_head(viewer: User) -> CategoryHead | None:
    """Return the head that was trained last, accepted or not."""
    return list_heads(viewer).first()


def list_heads(viewer: User, limit: int = MAX_HISTORY) -> QuerySet[CategoryHead]:
    """Return the latest heads, newest first."""
    require_admin(viewer)
    heads = CategoryHead.objects.defer("content").select_related("by")
    return heads.order_by("-trained_at", "-pk")[:limit]


def find_head(viewer: User, pk: int) -> CategoryHead | None:
    """Return a head, or None when it is not there any more."""
    require_admin(viewer)
    return CategoryHead.objects.defer("content").filter(pk=pk).first()


def list_changed_tickets(viewer: User, head: CategoryHead) -> list[ChangedTicket]:
    """Return the examples of a candidate that the viewer may see."""
    examples = {row[0]: row for row in head.changes.get("examples", [])}
    tickets = Ticket.objects.visible_to(viewer).defer("description", "search_vector")
    visible = tickets.in_bulk(list(examples))
    return [
        ChangedTicket(visible[pk], before, after)
        for pk, before, after in examples.values()
        if pk in visible
    ]


def is_of_active_space(head: CategoryHead) -> bool:
    """Whether the active encoder writes the vectors that this head reads."""
    return head.space == engine.active_space()


def is_training(viewer: User) -> bool:
    """Whether a training waits or runs."""
    require_admin(viewer)
    jobs = ProcrastinateJob.objects.filter(
        task_name="triage.train_head", status__in=["todo", "doing"]
    )
    return jobs.exists()


def find_settings(viewer: User) -> LearningSettings:
    """Return the settings, as on delivery while nobody has changed any."""
    require_admin(viewer)
    return LearningSettings.objects.filter(pk=1).first() or LearningSettings()
