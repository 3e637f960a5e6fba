"""Read predictions and similar tickets, each scoped to the viewer."""

from dataclasses import dataclass
from typing import Literal

from appliance.accounts.models import User
from appliance.inference.predictions import BundleStatus
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import OPEN_STATUSES, Ticket
from appliance.triage import engine, work_queue
from appliance.triage.models import AnnotationLease, Prediction, TicketVector
from appliance.triage.vector_search import cosine, list_nearest

State = Literal["classified", "pending", "unavailable"]
SHOWN_KINDS = {"classifier": Prediction.Kind.CATEGORY, "sentiment": Prediction.Kind.SENTIMENT}


@dataclass(frozen=True)
class Score:
    """One category with its probability."""

    slug: str
    name: str
    score: float


@dataclass(frozen=True)
class PredictedCategory:
    """The predicted category; ``slug`` and ``name`` are empty when the bundle is not sure."""

    slug: str
    name: str
    confidence: float
    is_decided: bool
    scores: tuple[Score, ...]  # best first
    bundle: str  # "name version"


@dataclass(frozen=True)
class PredictedSentiment:
    """``label`` is negative, neutral or positive."""

    label: str
    confidence: float
    bundle: str


@dataclass(frozen=True)
class TicketPredictions:
    """The predicted category and sentiment of a ticket, and whether more will come.

    ``state``: "classified" both are there; "pending" a worker will process the ticket;
    "unavailable" there is no bundle, or the text failed permanently.
    """

    state: State
    category: PredictedCategory | None
    sentiment: PredictedSentiment | None
    is_other_language: bool = False  # the bundles were not measured on the text's language
    languages: tuple[str, ...] = ()  # that they were measured on; filled for other languages only
    is_meaning_compared: bool = True  # the encoder was measured on the language


@dataclass(frozen=True)
class SimilarTicket:
    """Another ticket with a similar text."""

    ticket: Ticket
    score: float  # cosine, 0..1
    article: Article | None = None  # the one sent or linked there last, once it is solved


def find_predictions(viewer: User, ticket: Ticket) -> TicketPredictions:
    """Return the predictions for a ticket. Three queries at most."""
    visible = Ticket.objects.visible_to(viewer).filter(pk=ticket.pk)
    by_kind = {row.kind: row for row in Prediction.objects.filter(ticket__in=visible)}
    category = by_kind.get(Prediction.Kind.CATEGORY)
    sentiment = by_kind.get(Prediction.Kind.SENTIMENT)
    is_other_language = any(row.is_other_language for row in by_kind.values())
    return TicketPredictions(
        state="classified" if category and sentiment else _state(ticket, by_kind),
        category=_predicted_category(category) if category else None,
        sentiment=_predicted_sentiment(sentiment) if sentiment and sentiment.label else None,
        is_other_language=is_other_language,
        languages=_measured_languages(by_kind) if is_other_language else (),
        is_meaning_compared=engine.supports("encoder", ticket.text),
    )


def _measured_languages(by_kind: dict[str, Prediction]) -> tuple[str, ...]:
    """Return the languages of the first bundle that was not asked about the text."""
    for role, kind in SHOWN_KINDS.items():
        if kind in by_kind and by_kind[kind].is_other_language:
            return engine.find_languages(role)
    return ()


def find_vector(viewer: User, ticket: Ticket) -> TicketVector | None:
    """Return the vector, in the active space, of a ticket the viewer may see."""
    vectors = TicketVector.objects.visible_to(viewer).in_active_space()
    return vectors.filter(ticket=ticket).first()


def list_similar_tickets(
    viewer: User, ticket: Ticket, limit: int = 5, *, own: TicketVector | None = None
) -> list[SimilarTicket]:
    """Return the nearest other tickets the viewer may see, with the article that helped there.

    Empty while the ticket has no vector. ``own`` is that vector, if the caller has it already.
    """
    own = own or find_vector(viewer, ticket)
    if own is None:
        return []
    nearest = (
        TicketVector.objects.visible_to(viewer)
        .nearest_to(own.vector, own.space)
        .exclude(ticket=ticket)
        .select_related("ticket__customer", "ticket__category")
        .defer("vector", "ticket__description", "ticket__search_vector")
    )
    rows = list_nearest(nearest, limit)
    articles = _helpful_articles(viewer, [row.ticket for row in rows])
    return [
        SimilarTicket(row.ticket, cosine(row.distance), articles.get(row.ticket_id)) for row in rows
    ]


@dataclass(frozen=True)
class Backlog:
    """Numbers of pending texts, and of texts that failed permanently."""

    tickets: int
    articles: int
    failed: int


def list_bundles() -> tuple[BundleStatus, ...]:
    """Return the state of each role for the health page; loads nothing."""
    return engine.current().statuses()


def count_backlog() -> Backlog:
    """Count up to a thousand pending texts of each kind, for the health page."""
    refs = work_queue.refs_at_hand()
    return Backlog(
        tickets=len(work_queue.list_pending_tickets(refs, 1000)),
        articles=len(work_queue.list_pending_articles(refs, 1000)),
        failed=work_queue.list_failed().count(),
    )


def _helpful_articles(viewer: User, tickets: list[Ticket]) -> dict[int, Article]:
    """Return ticket id → the article sent there, else the one inserted or linked last."""
    solved = [ticket.pk for ticket in tickets if ticket.status not in OPEN_STATUSES]
    if not solved:
        return {}
    articles = Article.objects.visible_to(viewer).in_use()
    links = ArticleLink.objects.filter(ticket__in=solved, article__in=articles)
    links = links.select_related("article").defer("article__content", "article__search_vector")
    order = {str(how): position for position, how in enumerate(ArticleLink.How)}
    ordered = sorted(links, key=lambda link: (order[link.how], link.at))
    return {link.ticket_id: link.article for link in ordered}


def _state(ticket: Ticket, by_kind: dict[str, Prediction]) -> State:
    """Return the state of a ticket that lacks a prediction."""
    refs = work_queue.refs_at_hand()
    roles = [role for role, kind in SHOWN_KINDS.items() if kind not in by_kind]
    failed = work_queue.list_failed().filter(kind=AnnotationLease.Kind.TICKET, object_id=ticket.pk)
    if any(role in refs for role in roles) and not failed.exists():
        return "pending"
    return "unavailable"


def _predicted_category(row: Prediction) -> PredictedCategory:
    names = tickets_queries.list_category_names()
    return PredictedCategory(
        slug=row.label,
        name=names.get(row.label, row.label),
        confidence=row.confidence,
        is_decided=row.is_decided,
        scores=tuple(Score(slug, names.get(slug, slug), score) for slug, score in row.scores),
        bundle=row.bundle,
    )


def _predicted_sentiment(row: Prediction) -> PredictedSentiment:
    return PredictedSentiment(row.label, row.confidence, row.bundle)
