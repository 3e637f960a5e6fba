"""Suggest articles for a text, best first, each with its evidence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, Q, TextField, Value
from django.db.models.functions import Left

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, User
from appliance.core import cache, cache_values
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge.models import Article
from appliance.tickets.models import OPEN_STATUSES, Ticket
from appliance.triage import engine, matching, texts
from appliance.triage.feedback_gate import choose_weights
from appliance.triage.fusion import RankedArticle, Weights, fuse
from appliance.triage.models import LearningSettings, Passage, Suggestion, TicketVector
from appliance.triage.queries import SimilarTicket, find_vector
from appliance.triage.texts import digest
from appliance.triage.vector_search import (
    cosine,
    find_floor,
    find_floor_for,
    find_query_vector,
    list_nearest,
)

MIN_LETTERS = 8  # a shorter text gives no suggestions
MAX_CHARACTERS = 4000  # of a text that is still being typed
MAX_CACHED = 12  # articles, so that others can take the place of dismissed ones
OPENING_CHARACTERS = 4000
MAX_SHOWN_TICKETS = 3
MAX_SHOWN_WORDS = 5
# Of an article and a text whose meaning cannot be compared: a word such as "station" is in many.
MIN_SHARED_WORDS = 2
MIN_SHOWN_WORD_SCORE = 0.5  # relative to the article that matches the words best


class WordAnnotation(TypedDict):
    matching_words: list[str]


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    ArticleWithWords = WithAnnotations[Article, WordAnnotation]


@dataclass(frozen=True)
class SuggestedArticle:
    """An article that may answer a text, and why."""

    article: Article
    score: float  # 0..1
    passage: str  # its nearest passage, or its beginning
    closeness: float | None = None  # cosine of that passage; None for a match by words alone
    words: tuple[str, ...] = ()  # of the text that the article contains
    helped: int = 0  # number of similar tickets it helped on
    tickets: tuple[Ticket, ...] = ()  # some of them that the viewer may see; none for customers


@dataclass(frozen=True)
class TicketFacts:
    """What the caller has already read of a ticket."""

    vector: TicketVector | None  # in the active space
    dismissed: frozenset[int]  # ids of articles


def list_suggestions(
    viewer: User, ticket: Ticket, limit: int = 3, *, facts: TicketFacts | None = None
) -> list[SuggestedArticle]:
    """Return articles that may answer the ticket, best first, without those dismissed there.

    By words alone while it has no vector. ``facts`` save two queries.
    """
    facts = facts or TicketFacts(find_vector(viewer, ticket), _dismissed_ids(ticket))
    row = facts.vector
    vector = (np.asarray(row.vector, "<f4"), row.space) if row else None
    return _suggest(
        viewer, ticket.text, vector, limit, ticket_id=ticket.pk, dismissed=facts.dismissed
    )


def _dismissed_ids(ticket: Ticket) -> frozenset[int]:
    dismissed = Suggestion.objects.filter(ticket=ticket, state=Suggestion.State.DISMISSED)
    return frozenset(dismissed.values_list("article_id", flat=True))


def list_dismissed(viewer: User, ticket: Ticket) -> list[Article]:
    """Return the articles that agents dismissed on this ticket, the latest first."""
    is_dismissed = Q(suggestions__ticket=ticket, suggestions__state=Suggestion.State.DISMISSED)
    articles = Article.objects.visible_to(viewer).in_use().filter(is_dismissed)
    return list(articles.defer("content", "search_vector").order_by("-suggestions__decided_at"))


def suggest_for_text(
    viewer: User, subject: str, description: str, limit: int = 3
) -> list[SuggestedArticle]:
    """Suggest articles for a ticket that is being typed; empty while the text is too short."""
    text = clean_typed_text(subject, description)
    return _suggest(viewer, text, find_query_vector(text), limit) if text else []


def clean_typed_text(subject: str, description: str) -> str:
    """Return the text as bundles take it; empty while it is too short."""
    text = f"{subject}\n{description}".replace("\0", " ")[:MAX_CHARACTERS].strip()
    text = text.encode("utf-8", "ignore").decode("utf-8")
    return text if sum(letter.isalnum() for letter in text) >= MIN_LETTERS else ""


def _suggest(
    viewer: User,
    text: str,
    vector: tuple[np.ndarray, str] | None,
    limit: int,
    *,
    ticket_id: int | None = None,
    dismissed: frozenset[int] = frozenset(),
) -> list[SuggestedArticle]:
    if not viewer.is_authenticated or not viewer.is_active:
        return []
    ranking = _rank(viewer, text, vector, ticket_id)
    groups = knowledge_queries.map_to_groups(dismissed)
    hidden = {groups.get(pk, pk) for pk in dismissed}
    ranking = [item for item in ranking if item[0].key not in hidden]
    if engine.supports("encoder", text):
        return _present(viewer, text, ranking[:limit])
    shown = _present(viewer, text, ranking)
    return [row for row in shown if row.helped or len(row.words) >= MIN_SHARED_WORDS][:limit]


cache_values.register(RankedArticle)
# Each article, as the key of its group, with its nearest passage, or "", and whose that is.
Ranking = list[tuple[RankedArticle[int], str, int]]


def _rank(
    viewer: User, text: str, vector: tuple[np.ndarray, str] | None, ticket_id: int | None
) -> Ranking:
    """Return the best MAX_CACHED articles; shared by all viewers who may see the same."""
    query_vector, space = vector or (None, "")
    # an agent's list names tickets, so only agents who may see the same tickets share it
    hidden = accounts_queries.hidden_team_ids(viewer)
    scope = hidden if viewer.is_agent else ["published", accounts_queries.closed_team_ids()]

    def compute() -> Ranking:
        evidence = matching.gather_evidence(
            viewer,
            text,
            query_vector,
            space,
            ticket_id,
            compares_meaning=engine.supports("encoder", text),
        )
        weights = _weights_in_use()
        ranking = fuse(evidence.cosines, evidence.words, evidence.neighbours, weights)
        floor = 0.0 if query_vector is None else find_floor_for("article", text)
        best = [article for article in ranking if _is_good_match(article, floor)][:MAX_CACHED]
        passage_ids = evidence.passage_ids
        ids = [passage_ids[article.key] for article in best if article.key in passage_ids]
        rows = Passage.objects.filter(pk__in=ids).values_list("pk", "text", "article_id")
        passages = {pk: (text, article_id) for pk, text, article_id in rows}
        missing = ("", 0)
        return [
            (article, *passages.get(passage_ids.get(article.key, 0), missing)) for article in best
        ]

    vector_digest = digest(query_vector.tobytes().hex()) if query_vector is not None else "words"
    return cache.get_or_compute(
        "suggestions",
        [space, vector_digest, digest(text), scope, ticket_id],
        compute,
        depends_on=[cache.ARTICLES],
    )


def _weights_in_use() -> Weights:
    """Return the weights that a replay of this desk's tickets did not refute."""
    row = LearningSettings.objects.filter(pk=1).values_list("uses_feedback", "feedback_report")
    return choose_weights(*(row.first() or (True, {})))


def _is_good_match(article: RankedArticle[int], min_cosine: float) -> bool:
    """Return whether the article is near in meaning, or helped on tickets that are.

    Words are evidence only while the article has no passage to compare: every request for help
    shares some with every article.
    """
    if article.closeness is None:
        return article.words > 0 or bool(article.helped)
    return article.closeness >= min_cosine or bool(article.helped)


def _present(viewer: User, text: str, ranking: Ranking) -> list[SuggestedArticle]:
    """Load the articles the viewer may see now, whatever the cache holds.

    Of an article and its translations, the one in the reader's language.
    """
    keys = [ranked.key for ranked, _passage, _owner in ranking]
    visible = Article.objects.visible_to(viewer).in_use()
    preferred = knowledge_queries.find_preferred(visible, keys)
    ids = {key: preferred.get(key, key) for key in keys}
    articles = _load_articles(viewer, text, list(ids.values()))
    is_own = {ranked.key: owner == ids[ranked.key] for ranked, _passage, owner in ranking}
    openings = _load_openings([ids[key] for key in keys if not is_own[key]])
    ticket_ids = {pk for ranked, *_ in ranking for pk in ranked.helped[:MAX_SHOWN_TICKETS]}
    tickets = _load_tickets(viewer, ticket_ids) if viewer.is_agent and ticket_ids else {}
    return [
        SuggestedArticle(
            article=articles[ids[ranked.key]],
            score=ranked.score,
            passage=(
                passage
                if is_own[ranked.key]
                else texts.split_passages(openings[ids[ranked.key]])[0]
            ),
            closeness=ranked.closeness,
            words=_shown_words(ranked, articles[ids[ranked.key]].matching_words),
            helped=len(ranked.helped),
            tickets=tuple(tickets[pk] for pk in ranked.helped if pk in tickets),
        )
        for ranked, passage, _owner in ranking
        if ids[ranked.key] in articles
    ]


def _load_articles(viewer: User, text: str, ids: list[int]) -> "dict[int, ArticleWithWords]":
    words = texts.search_words(text)
    articles = (
        Article.objects.visible_to(viewer)
        .in_use()
        .select_related("category")
        .annotate(
            matching_words=MatchingWords(
                F("search_vector"),
                Value(words, output_field=ArrayField(TextField())),
                F("language"),
            ),
        )
        .defer("content", "search_vector")
    )
    return articles.in_bulk(ids)


def _load_openings(ids: list[int]) -> dict[int, str]:
    """Return article id → the beginning of its text."""
    if not ids:
        return {}
    articles = Article.objects.filter(pk__in=ids)
    return dict(articles.values_list("pk", Left("content", OPENING_CHARACTERS)))


def _load_tickets(viewer: User, ids: set[int]) -> dict[int, Ticket]:
    return Ticket.objects.visible_to(viewer).defer("description", "search_vector").in_bulk(ids)


def _shown_words(ranked: RankedArticle[int], matching_words: list[str]) -> tuple[str, ...]:
    """Return the matching words, if they are a reason and not in every article."""
    if ranked.closeness is None or ranked.words >= MIN_SHOWN_WORD_SCORE:
        return tuple(matching_words[:MAX_SHOWN_WORDS])
    return ()


class MatchingWords(Func):
    """The words that an article contains in any form, without stop words, longest first."""

    template = """(
        SELECT coalesce(array_agg(word ORDER BY length(word) DESC, word), '{}')
        FROM (
            SELECT tsvector_to_array(article.search_vector) AS lexemes, article.words,
                   article.language, search_configuration(article.language) AS config
            FROM (SELECT %(expressions)s) AS article(search_vector, words, language)
            OFFSET 0  -- unpacks the lexemes once, not for each word
        ) AS unpacked, unnest(unpacked.words) AS word
        WHERE tsvector_to_array(to_tsvector(config, search_cut_endings(language, word)))
              && unpacked.lexemes
    )"""
    output_field = ArrayField(TextField())


def list_probable_duplicates(
    viewer: User, customer: Customer | None, subject: str, description: str, limit: int = 3
) -> list[SimilarTicket]:
    """Return open tickets that may say the same as what is being typed, in any language.

    Those of the customer come first, then, for agents, those of others they may see; nearest
    first. Empty without an encoder. Four queries at most.
    """
    text = clean_typed_text(subject, description)
    query = find_query_vector(text) if text else None
    if query is None:
        return []
    is_own = Q(ticket__customer=customer)
    near = _list_duplicates(viewer, is_own, query, limit) if customer else []
    if viewer.is_agent and len(near) < limit:
        near += _list_duplicates(viewer, ~is_own if customer else Q(), query, limit - len(near))
    return near


def _list_duplicates(
    viewer: User, condition: Q, query: tuple[np.ndarray, str], limit: int
) -> list[SimilarTicket]:
    nearest = (
        TicketVector.objects.visible_to(viewer)
        .filter(condition, ticket__status__in=OPEN_STATUSES)
        .nearest_to(*query)
        .select_related("ticket__customer")
        .defer("vector", "ticket__description", "ticket__search_vector")
    )
    rows = list_nearest(nearest, limit, min_cosine=find_floor("duplicate"))
    return [SimilarTicket(row.ticket, cosine(row.distance)) for row in rows]
