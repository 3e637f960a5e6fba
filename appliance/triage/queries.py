"""Reads on what the bundles said, each scoped to the viewer."""

from dataclasses import dataclass
from typing import Literal

from appliance.accounts.models import User
from appliance.inference.predictions import BundleStatus
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets import queries as tickets
from appliance.tickets.models import OPEN_STATUSES, Ticket
from appliance.triage import engine, work_queue
from appliance.triage.models import AnnotationLease, Prediction, TicketVector
from appliance.triage.vector_search import cosine, list_nearest

State = Literal["classified", "pending", "unavailable"]


@dataclass(frozen=True)
class Score:
    """One category of the closed list with the probability the bundle gave it."""

    slug: str
    name: str
    score: float


@dataclass(frozen=True)
class CategoryReading:
    """What the classifier said; ``slug`` and ``name`` are empty when it was not sure."""

    slug: str
    name: str
    confidence: float
    is_decided: bool
    scores: tuple[Score, ...]  # best first
    bundle: str  # "name version"


@dataclass(frozen=True)
class SentimentReading:
    """``label`` is negative, neutral or positive."""

    label: str
    confidence: float
    bundle: str


@dataclass(frozen=True)
class Reading:
    """What is known of a ticket's category and sentiment, and what the page may promise.

    ``state``: "classified" both are there; "pending" a worker will read it; "unavailable" nobody
    will, until bundles are put in place (or another text, or other bundles: it was parked).
    """

    state: State
    category: CategoryReading | None
    sentiment: SentimentReading | None


@dataclass(frozen=True)
class Similar:
    """Another ticket near in meaning."""

    ticket: Ticket
    score: float  # cosine, 0..1
    article: Article | None = None  # what was sent or linked there last, once it is solved


def find_reading(viewer: User, ticket: Ticket) -> Reading:
    """What the bundles said of this ticket. Three queries at most."""
    visible = Ticket.objects.visible_to(viewer).filter(pk=ticket.pk)
    values = {row.kind: row for row in Prediction.objects.filter(ticket__in=visible)}
    category = values.get(Prediction.Kind.CATEGORY)
    sentiment = values.get(Prediction.Kind.SENTIMENT)
    return Reading(
        state="classified" if category and sentiment else _state(ticket, values),
        category=_category_reading(category) if category else None,
        sentiment=_sentiment_reading(sentiment) if sentiment else None,
    )


def find_vector(viewer: User, ticket: Ticket) -> TicketVector | None:
    """Of a ticket the viewer sees, in the space that is read."""
    rows = TicketVector.objects.visible_to(viewer).in_reading_space()
    return rows.filter(ticket=ticket).first()


def list_similar_tickets(
    viewer: User, ticket: Ticket, limit: int = 5, *, own: TicketVector | None = None
) -> list[Similar]:
    """The viewer's tickets nearest in meaning, never this one, with what helped there; empty while
    it has no vector. ``own`` is that vector, where it was read already.
    """
    own = own or find_vector(viewer, ticket)
    if own is None:
        return []
    near = (
        TicketVector.objects.visible_to(viewer)
        .nearest_to(own.vector, own.space)
        .exclude(ticket=ticket)
        .select_related("ticket__customer", "ticket__category")
        .defer("vector", "ticket__description", "ticket__search_vector")
    )
    rows = list_nearest(near, limit)
    helped = _helped(viewer, [row.ticket for row in rows])
    return [Similar(row.ticket, cosine(row.distance), helped.get(row.ticket_id)) for row in rows]


@dataclass(frozen=True)
class Backlog:
    """Texts that wait for the bundles at hand, and texts they broke on."""

    tickets: int
    articles: int
    parked: int


def list_bundles() -> tuple[BundleStatus, ...]:
    """How each role stands, for the health page; loads nothing."""
    return engine.current().statuses()


def count_backlog() -> Backlog:
    """Counted up to a thousand each, for the health page."""
    refs = work_queue.refs_at_hand()
    return Backlog(
        tickets=len(work_queue.list_tickets_to_read(refs, 1000)),
        articles=len(work_queue.list_articles_to_read(refs, 1000)),
        parked=work_queue.list_failed().count(),
    )


def _helped(viewer: User, near: list[Ticket]) -> dict[int, Article]:
    """Ticket → the article that was sent there, else the one accepted or linked last."""
    done = [row.pk for row in near if row.status not in OPEN_STATUSES]
    if not done:
        return {}
    articles = Article.objects.visible_to(viewer).in_use()
    links = ArticleLink.objects.filter(ticket__in=done, article__in=articles)
    links = links.select_related("article").defer("article__content", "article__search_vector")
    weight = {how: n for n, how in enumerate(ArticleLink.How)}
    ordered = sorted(links, key=lambda link: (weight[link.how], link.at))
    return {link.ticket_id: link.article for link in ordered}


def _state(ticket: Ticket, rows: dict[str, Prediction]) -> State:
    """Something is missing: will it come?"""
    refs = work_queue.refs_at_hand()
    roles = [role for role, kind in work_queue.KIND_OF_ROLE.items() if kind not in rows]
    parked = work_queue.list_failed().filter(kind=AnnotationLease.Kind.TICKET, object_id=ticket.pk)
    if any(role in refs for role in roles) and not parked.exists():
        return "pending"
    return "unavailable"


def _category_reading(row: Prediction) -> CategoryReading:
    names = tickets.category_names()
    return CategoryReading(
        slug=row.label,
        name=names.get(row.label, row.label),
        confidence=row.confidence,
        is_decided=row.is_decided,
        scores=tuple(Score(slug, names.get(slug, slug), score) for slug, score in row.scores),
        bundle=row.bundle,
    )


def _sentiment_reading(row: Prediction) -> SentimentReading:
    return SentimentReading(row.label, row.confidence, row.bundle)
