"""Read predictions and similar tickets, each scoped to the viewer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import QuerySet

from appliance.accounts.models import User
from appliance.core.languages import LANGUAGE_NAMES
from appliance.inference.predictions import BundleStatus
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import OPEN_STATUSES, Message, Ticket
from appliance.triage import engine, sentences, work_queue
from appliance.triage.models import (
    COMPLETED_STATUSES,
    AnnotationLease,
    Prediction,
    Solution,
    TicketVector,
)
from appliance.triage.vector_search import cosine, list_nearest

# A solved ticket is near enough from here on: 78 % of later questions of a forum have one among 240
# earlier ones, none of CLINC150 and 2 % of random words (scripts/bench/solutions.py --floor).
# Measured with encoder 2; measure again with another.
MIN_SOLUTION_COSINE = 0.5
MAX_SOLVED_TICKETS = 50  # nearest solved ones, to find some with sentences among
MAX_COMPARED_REPLIES = 20  # the latest on a ticket, to find a sentence that is sent twice
MIN_COMPARED_WORDS = 6  # a shorter sentence may well be sent twice
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

    Empty while the ticket has no vector, and in a language that the encoder was not measured on.
    ``own`` is that vector, if the caller has it already.
    """
    own = own or find_vector(viewer, ticket)
    if own is None or not engine.supports("encoder", ticket.text):
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
class SolvedBefore:
    """The sentences that solved a similar ticket."""

    ticket: Ticket
    score: float  # cosine, 0..1
    sentences: tuple[str, ...]  # verbatim, in the order they were written
    language: str = ""  # its name, if it is another than that of the ticket at hand


def list_solutions(
    viewer: User, ticket: Ticket, limit: int = 2, *, own: TicketVector
) -> list[SolvedBefore]:
    """Return what solved the nearest tickets that stayed solved, for agents. Two queries.

    ``own`` is the ticket's vector. Call it within ``iterative_scan``. A sentence that was sent on
    several tickets is offered once; nothing in a language that the encoder was not measured on.
    """
    if not viewer.is_agent or not engine.supports("encoder", ticket.text):
        return []
    solved = TicketVector.objects.visible_to(viewer).filter(ticket__status__in=COMPLETED_STATUSES)
    nearest: QuerySet = solved.exclude(ticket=ticket).nearest_to(own.vector, own.space)
    rows = nearest.values_list("ticket_id", "distance")[:MAX_SOLVED_TICKETS]
    scores = {pk: cosine(distance) for pk, distance in rows}
    near = [pk for pk, score in scores.items() if score >= MIN_SOLUTION_COSINE]
    if not near:
        return []
    solutions = Solution.objects.offered_to(viewer).filter(ticket__in=near)
    solutions = solutions.select_related("ticket").defer(
        "ticket__description", "ticket__search_vector"
    )
    offered: list[SolvedBefore] = []
    known: set[str] = set()
    for solution in sorted(solutions, key=lambda row: -scores[row.ticket_id]):
        new = {sentences.key(text): text for text in solution.sentences}
        texts = tuple(text for key, text in new.items() if key not in known)
        if texts and len(offered) < limit:
            known |= new.keys()
            language = _other_language(solution.ticket, ticket)
            offered.append(
                SolvedBefore(solution.ticket, scores[solution.ticket_id], texts, language)
            )
    return offered


@dataclass(frozen=True)
class RepeatedSentence:
    """A sentence that an agent has already sent on a ticket."""

    text: str
    sent_at: datetime


def find_repeated_sentence(ticket: Ticket, text: str) -> RepeatedSentence | None:
    """Return a sentence of the text that agents have sent on the ticket before. One query."""
    keys = {
        sentences.key(sentence.text)
        for sentence in sentences.split(text)
        if len(sentence.text.split()) >= MIN_COMPARED_WORDS
    }
    if not keys:
        return None
    replies = ticket.messages.filter(kind=Message.Kind.REPLY, is_from_customer=False)
    rows = replies.order_by("-created_at").values_list("body", "created_at")
    for body, sent_at in rows[:MAX_COMPARED_REPLIES]:
        for sentence in sentences.split(body):
            if sentences.key(sentence.text) in keys:
                return RepeatedSentence(sentence.text, sent_at)
    return None


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


def _other_language(solved: Ticket, ticket: Ticket) -> str:
    """Return the name of the solved ticket's language if it is another; empty if unknown."""
    code = solved.language
    if not code or not ticket.language or code == ticket.language:
        return ""
    return str(LANGUAGE_NAMES.get(code, code))


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
