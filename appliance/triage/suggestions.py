"""Articles that may answer a text, best first, each with what speaks for it."""

from dataclasses import dataclass

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Left

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, User
from appliance.core import cache
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket
from appliance.triage import matching, texts
from appliance.triage.fusion import Fused, fuse
from appliance.triage.models import Passage, Suggestion, TicketVector
from appliance.triage.queries import Similar, find_vector
from appliance.triage.texts import digest
from appliance.triage.vector_search import cosine, find_query_vector, list_nearest

MIN_DUPLICATE_SIMILARITY = 0.6
MIN_LETTERS = 8  # a text shorter than this says too little to suggest anything
MAX_CHARACTERS = 4000  # of a text that is still being typed
RANKED = 12  # kept in the cache, so that what is refused has something behind it
OPENING_CHARACTERS = 4000
MAX_SHOWN_TICKETS = 3
MAX_SHOWN_WORDS = 5
WORDS_WORTH_TELLING = 0.5  # of the article that holds the words best


@dataclass(frozen=True)
class Suggested:
    """An article that may answer, and why."""

    article: Article
    score: float  # 0..1, of all signals together
    passage: str  # what of it matched best, or how it begins
    closeness: float | None = None  # cosine of that passage; None when meaning had no part
    words: tuple[str, ...] = ()  # of the text, that the article holds
    helped: int = 0  # on so many tickets like this one
    tickets: tuple[Ticket, ...] = ()  # some of them: those the viewer sees, none for customers


@dataclass(frozen=True)
class Known:
    """What of a ticket was read already."""

    vector: TicketVector | None  # in the space that is read
    refused: frozenset[int]  # articles


def list_suggestions(
    viewer: User, ticket: Ticket, limit: int = 3, *, known: Known | None = None
) -> list[Suggested]:
    """Articles that may answer the ticket, best first, without those refused there; by words
    while it has no vector. Two queries less for who says what is ``known`` of it.
    """
    known = known or Known(find_vector(viewer, ticket), _refused(ticket))
    vector = known.vector
    read = (np.asarray(vector.vector, "<f4"), vector.space) if vector else None
    return _suggest(viewer, ticket.text, read, limit, about=ticket.pk, refused=known.refused)


def _refused(ticket: Ticket) -> frozenset[int]:
    rows = Suggestion.objects.filter(ticket=ticket, state=Suggestion.State.REFUSED)
    return frozenset(rows.values_list("article_id", flat=True))


def list_refused(viewer: User, ticket: Ticket) -> list[Article]:
    """What an agent said does not fit this ticket, the latest first."""
    refused = Q(suggestions__ticket=ticket, suggestions__state=Suggestion.State.REFUSED)
    rows = Article.objects.visible_to(viewer).in_use().filter(refused)
    return list(rows.defer("content", "search_vector").order_by("-suggestions__decided_at"))


def suggest_for_text(
    viewer: User, subject: str, description: str, limit: int = 3
) -> list[Suggested]:
    """Suggest articles for a ticket still being typed; empty until it holds enough words."""
    text = typed(subject, description)
    return _suggest(viewer, text, find_query_vector(text), limit) if text else []


def typed(subject: str, description: str) -> str:
    """What was typed so far, as the models read it; empty while it says too little."""
    text = f"{subject}\n{description}".replace("\0", " ")[:MAX_CHARACTERS].strip()
    text = text.encode("utf-8", "ignore").decode("utf-8")
    return text if sum(letter.isalnum() for letter in text) >= MIN_LETTERS else ""


def _suggest(
    viewer: User,
    text: str,
    read: tuple[np.ndarray, str] | None,
    limit: int,
    *,
    about: int | None = None,
    refused: frozenset[int] = frozenset(),
) -> list[Suggested]:
    if not viewer.is_authenticated or not viewer.is_active:
        return []
    ranked = [row for row in _ranked(viewer, text, read, about) if row[0].key not in refused]
    return _shown(viewer, text, ranked[:limit])


def _ranked(
    viewer: User, text: str, read: tuple[np.ndarray, str] | None, about: int | None
) -> list[tuple[Fused, str]]:
    """The best RANKED with the passage of each, from the cache when asked before by anybody who
    sees the same.
    """
    vector, space = read or (None, "")
    # an agent's list names tickets, so it is shared only by who sees the same ones
    sees = accounts_queries.hidden_team_ids(viewer) if viewer.is_agent else "published"

    def compute() -> list[tuple[Fused, str]]:
        candidates = matching.gather(viewer, text, vector, space, about)
        best = fuse(candidates.meaning, candidates.words, candidates.neighbours)[:RANKED]
        passages = candidates.passages
        ids = [passages[row.key] for row in best if row.key in passages]
        texts = dict(Passage.objects.filter(pk__in=ids).values_list("article_id", "text"))
        return [(row, texts.get(row.key, "")) for row in best]

    exact = digest(vector.tobytes().hex()) if vector is not None else "words"
    return cache.get_or_compute(
        "suggestions",
        [space, exact, digest(text), sees, about],
        compute,
        depends_on=[cache.ARTICLES],
    )


def _shown(viewer: User, text: str, ranked: list[tuple[Fused, str]]) -> list[Suggested]:
    """What was stored is never more than what the viewer may see now."""
    articles = _articles(viewer, text, [row.key for row, _ in ranked])
    bare = [row.key for row, passage in ranked if not passage]
    openings = (
        dict(
            Article.objects.filter(pk__in=bare).values_list(
                "pk", Left("content", OPENING_CHARACTERS)
            )
        )
        if bare
        else {}
    )
    named = {pk for row, _ in ranked for pk in row.helped[:MAX_SHOWN_TICKETS]}
    tickets = _tickets(viewer, named) if viewer.is_agent and named else {}
    return [
        Suggested(
            article=articles[row.key],
            score=row.score,
            passage=passage or texts.cut(openings[row.key])[0],
            closeness=row.closeness,
            words=_matched_words(articles[row.key].held) if _tells(row) else (),
            helped=len(row.helped),
            tickets=tuple(tickets[pk] for pk in row.helped if pk in tickets),
        )
        for row, passage in ranked
        if row.key in articles
    ]


def _articles(viewer: User, text: str, ids: list[int]) -> dict[int, Article]:
    words = matching.words_of(text)
    rows = (
        Article.objects.visible_to(viewer)
        .in_use()
        .select_related("category")
        .annotate(
            held=HeldWords(F("search_vector"), Value(words, output_field=ArrayField(TextField()))),
        )
        .defer("content", "search_vector")
    )
    return rows.in_bulk(ids)


def _tickets(viewer: User, ids: set[int]) -> dict[int, Ticket]:
    rows: QuerySet = Ticket.objects.visible_to(viewer).defer("description", "search_vector")
    return rows.in_bulk(ids)


def _tells(row: Fused) -> bool:
    """Whether its words are a reason, and not what any article holds."""
    return row.words >= WORDS_WORTH_TELLING or row.closeness is None


def _matched_words(held: list[str]) -> tuple[str, ...]:
    return tuple(held[:MAX_SHOWN_WORDS])


class HeldWords(Func):
    """Of the given words those that an article holds in any form, the longest first; no stop
    words.
    """

    template = """(
        SELECT coalesce(array_agg(word ORDER BY length(word) DESC, word), '{}')
        FROM (
            SELECT tsvector_to_array(article.held) AS held, article.words
            FROM (SELECT %(expressions)s) AS article(held, words)
            OFFSET 0  -- taken apart once, not for each word
        ) AS given, unnest(given.words) AS word
        WHERE tsvector_to_array(to_tsvector('skerry', word)) && given.held
    )"""
    output_field = ArrayField(TextField())


def list_probable_duplicates(
    viewer: User, customer: Customer, subject: str, description: str, limit: int = 3
) -> list[Similar]:
    """Open tickets of the customer that say nearly the same, nearest first; none while nobody
    reads. Two queries at most.
    """
    text = typed(subject, description)
    result = find_query_vector(text) if text else None
    if result is None:
        return []
    vector, space = result
    open_ones = Ticket.objects.open().filter(customer=customer)
    near = (
        TicketVector.objects.visible_to(viewer)
        .filter(ticket__in=open_ones)
        .nearest_to(vector, space)
        .select_related("ticket")
        .defer("vector", "ticket__description", "ticket__search_vector")
    )
    rows = list_nearest(near, limit, least=MIN_DUPLICATE_SIMILARITY)
    return [Similar(row.ticket, cosine(row.distance)) for row in rows]
