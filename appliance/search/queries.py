"""Search over tickets, what was said on them, articles and customers: by words, with typos and by
meaning, scoped to the viewer.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from appliance.accounts.models import CUSTOMER_SEARCH_TEXT, Customer, User
from appliance.core.types import read_number
from appliance.search import corpora, facets, fulltext, retrievers, spelling, tsqueries
from appliance.search import query_parser as asking
from appliance.search.corpora import Shelf
from appliance.search.filters import Narrowed
from appliance.search.hits import Hit, Said, read_hits
from appliance.search.query_parser import Asked
from appliance.search.ranking import Key, Ranked, Way, fuse, in_time, shares
from appliance.triage.nearest import find_query_vector

MOST_HITS = 50
MOST_CUSTOMERS = 100
QUICK_HITS = 7
# When fewer texts hold every word as typed, somebody may have mistyped one.
TOO_FEW = {"best": 20, "time": 0, "quick": 1}
Vector = tuple[np.ndarray, str]
Mode = Literal["best", "time", "quick"]  # the last two leave out what only resembles the words


@dataclass(frozen=True)
class Results:
    """One page of hits, in order."""

    text: str  # what was searched for, cleaned and cut
    hits: list[Hit]
    totals: dict[str, int]  # {"tickets": n, …} found and ranked, some hundreds at most
    facets: list[facets.Facet]
    next: str  # cursor of what comes after, empty on the last page
    previous: str | None  # of what came before, None on the first
    is_cut: bool  # more fits than was looked at: the newest of it
    meaning_available: bool  # False: by words and typos only, nobody can embed now
    did_you_mean: str
    took_ms: float


@dataclass
class _Found:
    """What each way found, with keys (kind, id), and which message spoke for a ticket."""

    by_way: dict[Way, list[tuple[Key, float]]] = field(default_factory=dict)
    said: Said = field(default_factory=dict)
    is_cut: bool = False
    respelled: str | None = None  # None: nobody has tried
    helped_by_respelling: bool = False

    @property
    def is_spelled(self) -> bool:
        """Whether all the words stand somewhere as they were typed."""
        return bool(self.by_way.get("words") or self.by_way.get("said"))

    def add(self, kind: str, way: Way, rows: retrievers.Found) -> None:
        self.by_way.setdefault(way, []).extend(((kind, pk), score) for pk, score in rows)


def search(
    viewer: User,
    text: str,
    *,
    kind: str = "all",
    limit: int = 20,
    narrowed: Narrowed | None = None,
    sort: str = "best",
    after: str = "",
) -> Results:
    """What the viewer may see and was looking for; ``text`` may be anything at all.

    ``kind``: "tickets", "articles", "customers", anything else is all. ``after`` is a cursor of
    an earlier page. In order of time only what holds the words counts. About a dozen queries.
    """
    started = time.monotonic()
    asked, narrowed = asking.read(text), narrowed or Narrowed()
    is_asked = bool(asked.text) or narrowed.is_narrowed
    vector = find_query_vector(asked.text) if asked.text and sort == "best" else None
    looked = corpora.of(viewer, kind, narrowed, oldest_first=sort == "oldest") if is_asked else []
    with retrievers.bounded():
        found = _look(looked, asked, "best" if sort == "best" else "time")
        _look_by_meaning(found, looked, vector)
        ranked = fuse(found.by_way)
        if sort != "best":
            ranked = in_time(ranked, _moments(looked, ranked), oldest_first=sort == "oldest")
        start, limit = _place(ranked, after), max(1, min(limit, MOST_HITS))
        hits = read_hits(looked, ranked[start : start + limit], asked, found.said)
        counted = facets.count(looked, ranked)
    return Results(
        text=asked.text,
        hits=hits,
        totals={f"{one}s": _count(ranked, one) for one in ("ticket", "article", "customer")},
        facets=counted,
        next=_cursor(ranked[start + limit - 1]) if len(ranked) > start + limit else "",
        previous=_previous(ranked, start, limit),
        is_cut=found.is_cut,
        meaning_available=vector is not None or sort != "best" or not asked.text,
        # only where it leads to something this viewer may see
        did_you_mean=(found.respelled or "") if found.helped_by_respelling else "",
        took_ms=(time.monotonic() - started) * 1000,
    )


def suggest(viewer: User, text: str, *, kind: str = "all") -> list[Hit]:
    """The first few hits while somebody types: by numbers, words and names, not by meaning."""
    asked = asking.read(text)
    if len(asked.text) < 2:
        return []
    looked = corpora.of(viewer, kind, Narrowed())
    with retrievers.bounded():
        found = _look(looked, asked, "quick")
        return read_hits(looked, fuse(found.by_way)[:QUICK_HITS], asked, found.said)


def find_ticket_ids(viewer: User, text: str) -> list[int]:
    """Tickets by number, by words of theirs or of what was said, the last one perhaps begun, or as
    somebody mistyped them; best first, some hundred at most.
    """
    asked = asking.read(text)
    if not asked.text:
        return []
    with retrievers.bounded():
        found = _look(corpora.of(viewer, "tickets", Narrowed()), asked, "quick")
    return [ticket_id for _, ticket_id in (one.key for one in fuse(found.by_way))]


def find_customer_ids(text: str) -> list[int]:
    """Customers by number, or by a part of name, address or organisation; some hundred at most."""
    if (number := read_number(text, digits=9)) is not None:
        return list(Customer.objects.filter(pk=number).values_list("pk", flat=True))
    known = text.replace("\0", "").lower().strip()
    rows = Customer.objects.annotate(known_by=CUSTOMER_SEARCH_TEXT)
    for fits in ({"known_by__contains": known}, {"organisation__name__icontains": known}):
        if found := list(rows.filter(**fits).values_list("pk", flat=True)[:MOST_CUSTOMERS]):
            return found
    return []


def _look(looked: Sequence[Shelf], asked: Asked, mode: Mode) -> _Found:
    """By numbers, words, slips and names."""
    found = _Found()
    if not asked.text:
        for shelf in looked:
            found.add(shelf.kind, "words", retrievers.by_nothing(shelf))
        return found
    texts = [shelf for shelf in looked if shelf.kind != "customer"]
    worded = tsqueries.put(asked, tsqueries.in_use())
    for shelf, read in zip(texts, _read(texts, worded, mode), strict=True):
        _gather(found, shelf, asked, read)
        if len(read.words) + len(read.said) < TOO_FEW[mode]:
            _look_for_typos(found, shelf, asked, read)
    if customers := corpora.find(looked, "customer"):
        _look_for_customers(found, customers, asked)
    return found


def _look_by_meaning(found: _Found, looked: Sequence[Shelf], vector: Vector | None) -> None:
    """Nearest to what was asked. A word that stands nowhere means nothing, and what is near to it
    is anything at all: then nearest to what it was meant to be.
    """
    if vector and found.helped_by_respelling and not found.is_spelled:
        vector = find_query_vector(found.respelled)
    for shelf in looked if vector else ():
        if shelf.kind != "customer":
            found.add(shelf.kind, "meaning", retrievers.by_meaning(shelf, *vector))


@dataclass(frozen=True)
class _Read:
    """What a shelf holds of the words."""

    words: retrievers.Found
    some: retrievers.Found
    said: retrievers.Said


def _read(texts: Sequence[Shelf], worded: tsqueries.Wording, mode: Mode) -> list[_Read]:
    """At most two queries for all shelves."""
    looks = []
    for shelf in texts:
        looks.append(retrievers.look(shelf, worded.every, worded.rank))
        looks.append(retrievers.look(shelf, worded.some if mode == "best" else ""))
        looks.append(retrievers.look_at_said(shelf, worded.every, worded.rank))
    found = iter(fulltext.find(looks, retrievers.EACH_WAY))
    return [
        _Read(
            retrievers.own(next(found)), retrievers.own(next(found)), retrievers.said(next(found))
        )
        for _ in texts
    ]


def _gather(found: _Found, shelf: Shelf, asked: Asked, read: _Read) -> None:
    exact = retrievers.by_number(shelf, asked) + retrievers.exact_among(
        shelf, asked, read.words + read.some
    )
    found.add(shelf.kind, "exact", exact + retrievers.exact_among_said(shelf, asked, read.said))
    found.add(shelf.kind, "words", shares(read.words))
    found.add(shelf.kind, "said", shares([(pk, score) for pk, score, _ in read.said]))
    found.add(shelf.kind, "some_words", shares(read.some))
    found.said |= {pk: message for pk, _, message in read.said}
    found.is_cut |= max(len(read.words), len(read.said)) >= retrievers.EACH_WAY


def _look_for_typos(found: _Found, shelf: Shelf, asked: Asked, read: _Read) -> None:
    """As it should have been typed; else, if nothing holds all the words, what looks like it."""
    if found.respelled is None:
        found.respelled = spelling.respell(asked)
    rows: retrievers.Found = []
    if found.respelled:
        worded = tsqueries.put(asking.read(found.respelled), tsqueries.in_use())
        [again] = _read([shelf], worded, "quick")
        found.said = {pk: message for pk, _, message in again.said} | found.said
        rows = again.words + [(pk, rank) for pk, rank, _ in again.said]
        found.helped_by_respelling |= bool(rows)
    if rows or read.words or read.said:
        found.add(shelf.kind, "typo", shares(rows))
    else:
        found.add(shelf.kind, "typo", retrievers.by_typo(shelf, asked))


def _look_for_customers(found: _Found, shelf: Shelf, asked: Asked) -> None:
    names = retrievers.by_name(shelf, asked)
    found.add("customer", "name", names)
    if not names and not found.is_spelled:
        found.add("customer", "typo", retrievers.by_typo(shelf, asked))


def _moments(looked: Sequence[Shelf], ranked: Sequence[Ranked]) -> dict[Key, object]:
    return {
        (shelf.kind, pk): moment
        for shelf in looked
        for pk, moment in shelf.rows.filter(
            pk__in=[one.key[1] for one in ranked if one.key[0] == shelf.kind]
        ).values_list("pk", shelf.moment)
    }


def _count(ranked: Sequence[Ranked], kind: str) -> int:
    return sum(one.key[0] == kind for one in ranked)


def _cursor(one: Ranked) -> str:
    return "{}-{}".format(*one.key)


def _place(ranked: Sequence[Ranked], after: str) -> int:
    """Where the page begins; at the start when what the cursor names is not found any more."""
    return next((n for n, one in enumerate(ranked, start=1) if _cursor(one) == after), 0)


def _previous(ranked: Sequence[Ranked], start: int, limit: int) -> str | None:
    if not start:
        return None
    return _cursor(ranked[start - limit - 1]) if start > limit else ""
