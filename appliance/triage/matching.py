"""What speaks for each article, asked of the database: passages, words, earlier tickets."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import CharField, F, QuerySet, Value

from appliance.accounts.models import User
from appliance.core.fields import WORDS
from appliance.knowledge.models import Article, ArticleLink
from appliance.tickets.models import Status
from appliance.triage.fusion import VOTERS, Voter
from appliance.triage.models import Passage, Suggestion, TicketVector
from appliance.triage.nearest import cosine, walking

MOST_WORDS = 32  # of the text, when articles are found by its words
NEAREST = 60  # passages, and articles by words, looked at to find a few articles
ENOUGH = 10  # articles near in meaning, or that helped, so that no other needs to be found
NEAREST_TICKETS = 200  # looked at to find VOTERS that know of an article
# 32: rank / (rank + 1), so that it lies in 0..1; 1: long articles do not win by their length
PER_LENGTH = Value(32 | 1)


@dataclass(frozen=True)
class Evidence:
    """What speaks for each article the viewer may read, by its id."""

    meaning: dict[int, float] = field(default_factory=dict)  # cosine of the nearest passage
    passages: dict[int, int] = field(default_factory=dict)  # id of that passage
    words: dict[int, float] = field(default_factory=dict)  # as a share of the best
    voters: list[Voter] = field(default_factory=list)  # nearest first


def gather(
    viewer: User, text: str, vector: np.ndarray | None, space: str, leave_out: int | None = None
) -> Evidence:
    """Without a vector, words alone. ``leave_out`` is the ticket asked about. Four queries.

    Beside meaning, words only tell apart what lies near or has helped: they weigh too little to
    lift anything else above it, and ranking all articles that hold one of them would take longer
    than everything else together.
    """
    visible = Article.objects.visible_to(viewer).in_use()
    if vector is None:
        return Evidence(words=_by_words(visible, text))
    meaning, passages = _by_passages(viewer, vector, space)
    voters = find_voters(viewer, visible, vector, space, leave_out)
    near = meaning.keys() | {article for voter in voters for article in voter.helped}
    among = visible if len(near) < ENOUGH else visible.filter(pk__in=near)
    return Evidence(meaning, passages, _by_words(among, text), voters)


def find_voters(
    viewer: User, articles: QuerySet, vector: np.ndarray, space: str, leave_out: int | None
) -> list[Voter]:
    """The nearest tickets that know of one of the articles: of those the viewer sees, and for
    who is no agent of all but the closed teams', of which nothing but their number is told.
    Two queries.
    """
    rows = TicketVector.objects.may_vote_for(viewer).exclude(ticket=leave_out)
    with walking():
        near = rows.nearest_to(vector, space).values_list("ticket_id", "distance")
        distances = dict(near[:NEAREST_TICKETS])
    known = _known_of(list(distances), articles)
    voters = [
        Voter(ticket, cosine(distances[ticket]), *map(frozenset, known[ticket]))
        for ticket in sorted(known, key=distances.__getitem__)
    ]
    return voters[:VOTERS]


def _known_of(tickets: list[int], articles: QuerySet) -> dict[int, tuple[set[int], set[int]]]:
    """Ticket → the articles that helped there, once it was solved, and those refused there."""
    done = (Status.SOLVED, Status.CLOSED)
    helped = ArticleLink.objects.filter(
        ticket__in=tickets, ticket__status__in=done, article__in=articles
    )
    refused = Suggestion.objects.filter(
        ticket__in=tickets, article__in=articles, state=Suggestion.State.REFUSED
    )
    known: dict[int, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    both = _told(helped, "helped").union(_told(refused, "refused"), all=True)
    for ticket, article, what in both:
        known[ticket][what == "refused"].add(article)
    return known


def _told(rows: QuerySet, what: str) -> QuerySet:
    rows = rows.order_by().annotate(what=Value(what, output_field=CharField()))
    return rows.values_list("ticket_id", "article_id", "what")


def _by_passages(
    viewer: User, vector: np.ndarray, space: str
) -> tuple[dict[int, float], dict[int, int]]:
    """Article id → cosine, and → id, of its nearest passage."""
    near = Passage.objects.visible_to(viewer).nearest_to(vector, space)
    # however far: a few are always offered, and the score says how near they are
    with walking():
        rows = list(near.values_list("distance", "article_id", "pk")[:NEAREST])
    closeness: dict[int, float] = {}
    passages: dict[int, int] = {}
    for distance, article, passage in sorted(rows):
        if article not in passages:
            closeness[article], passages[article] = cosine(distance), passage
    return closeness, passages


def _by_words(visible: QuerySet, text: str) -> dict[int, float]:
    """Article id → its share of the best one's rank, by any of the words: no ticket holds all of
    its answer's.
    """
    words = words_of(text)
    if not words:
        return {}
    any_of = " | ".join(f"'{word}'" for word in words)
    query = SearchQuery(any_of, search_type="raw", config=WORDS)
    rank = SearchRank(F("search_vector"), query, normalization=PER_LENGTH)
    found = visible.filter(search_vector=query).annotate(rank=rank).order_by("-rank", "-pk")
    ranks = dict(found.values_list("pk", "rank")[:NEAREST])
    most = max(ranks.values(), default=0.0)
    return {pk: rank / most for pk, rank in ranks.items()} if most else {}


def words_of(text: str) -> list[str]:
    """What articles are looked up by, in the order of the text."""
    return list(dict.fromkeys(re.findall(r"\w{3,40}", text.lower())))[:MOST_WORDS]
