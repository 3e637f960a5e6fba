"""The categories offered on a ticket that the classifier was not sure of, to confirm by a click."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Case, Exists, JSONField, OuterRef, Q, QuerySet, Subquery, When

from appliance.accounts.models import User
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import Ticket
from appliance.triage.models import NOT_SURE, Correction, Prediction

MAX_SUGGESTED = 2  # the right one is among the first two far more often than in the first place


@dataclass(frozen=True)
class SuggestedCategory:
    """A category that can be chosen, with its probability."""

    slug: str
    name: str
    score: float


def with_category_scores(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Annotate ``category_scores``: of tickets to suggest a category for, else None. No query more.

    Those are tickets without a category, of which the classifier was not sure and whose category
    no agent has cleared. PostgreSQL looks at the predictions of these rows alone.
    """
    unsure = Prediction.objects.filter(
        ticket=OuterRef("pk"), kind=Prediction.Kind.CATEGORY, label=NOT_SURE
    )
    is_open_question = Q(category=None) & ~Exists(Correction.objects.filter(ticket=OuterRef("pk")))
    scores = When(is_open_question, then=Subquery(unsure.values("scores")[:1]))
    return tickets.annotate(category_scores=Case(scores, default=None, output_field=JSONField()))


def pick_suggestions(
    scores: Iterable[tuple[str, float]] | None, names: Mapping[str, str]
) -> list[SuggestedCategory]:
    """Return the best of ``scores``, best first. ``names``: those that can be chosen, by slug."""
    offered = [
        SuggestedCategory(slug, names[slug], score)
        for slug, score in scores or ()
        if slug in names and score > 0
    ]
    return offered[:MAX_SUGGESTED]


def list_category_suggestions(viewer: User, ticket: Ticket) -> list[SuggestedCategory]:
    """Return the categories suggested for a ticket, best first. Agents only; one query."""
    if not viewer.is_agent:
        return []
    visible = with_category_scores(Ticket.objects.visible_to(viewer).filter(pk=ticket.pk))
    row = visible.only("pk").first()
    scores = getattr(row, "category_scores", None)
    return pick_suggestions(scores, dict(tickets_queries.list_category_slug_choices()))
