"""Search over tickets and articles by words, with typos, and by meaning, scoped to the viewer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from django.db.models.functions import Left
from django.utils.safestring import SafeString

from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.search import asked as asking
from appliance.search import ways
from appliance.search.asked import Asked
from appliance.search.ranking import Key, Ranked, Way, fuse, shares
from appliance.search.snippets import SEARCHED_CHARACTERS, snippet
from appliance.search.ways import Shelf
from appliance.tickets.models import Ticket
from appliance.triage.nearest import find_query_vector
from appliance.triage.passages import plain_text

MOST_PAGES, MOST_HITS = 20, 50
ENOUGH = 20  # texts that hold every word as typed, so nobody mistyped it


@dataclass(frozen=True)
class Hit:
    """One search result."""

    kind: Literal["ticket", "article"]
    id: int
    title: str
    snippet: SafeString  # safe HTML; what was looked for stands in <mark>
    score: float  # 0..1
    why: tuple[str, ...]  # "exact", "meaning", "words", "typo"; strongest first
    object: Ticket | Article  # without its long text


@dataclass(frozen=True)
class Results:
    """One page of hits, best first."""

    text: str  # what was searched for, cleaned and cut
    hits: list[Hit]
    totals: dict[str, int]  # {"tickets": n, "articles": n} found and ranked, some 200 at most
    page: int
    has_next: bool
    meaning_available: bool  # False: by words and typos only, nobody can embed now
    took_ms: float


def search(
    viewer: User, text: str, *, kind: str = "all", limit: int = 20, page: int = 1
) -> Results:
    """What the viewer may see and was looking for; ``text`` may be anything at all.

    ``kind``: "tickets", "articles", anything else is both. About a dozen queries.
    """
    started = time.monotonic()
    asked = asking.read(text)
    vector = find_query_vector(asked.text) if asked.text else None
    shelves = _shelves(viewer, kind) if asked.text else []
    ranked = fuse(_candidates(shelves, asked, vector))
    page, limit = max(1, min(page, MOST_PAGES)), max(1, min(limit, MOST_HITS))
    shown = ranked[(page - 1) * limit : page * limit]
    return Results(
        text=asked.text,
        hits=_hits(shelves, shown, asked),
        totals={
            f"{name}s": sum(r.key[0] == name for r in ranked) for name in ("ticket", "article")
        },
        page=page,
        has_next=page < MOST_PAGES and len(ranked) > page * limit,
        meaning_available=vector is not None,
        took_ms=(time.monotonic() - started) * 1000,
    )


def _shelves(viewer: User, kind: str) -> list[Shelf]:
    if viewer.is_anonymous:
        return [ways.articles_of(viewer)]  # empty unless the desk shows its articles to everybody
    if not viewer.is_active:
        return []
    shelves = []
    if kind != "articles":
        shelves.append(ways.tickets_of(viewer))
    if kind != "tickets":
        shelves.append(ways.articles_of(viewer))
    return shelves


def _candidates(
    shelves: Sequence[Shelf], asked: Asked, vector: tuple[np.ndarray, str] | None
) -> dict[Way, list[tuple[Key, float]]]:
    """What each way found, with keys ("ticket" | "article", id)."""
    found: dict[Way, list[tuple[Key, float]]] = {}
    for shelf in shelves:
        for way, rows in _ways(shelf, asked, vector).items():
            found.setdefault(way, []).extend(((shelf.kind, pk), score) for pk, score in rows)
    return found


def _ways(
    shelf: Shelf, asked: Asked, vector: tuple[np.ndarray, str] | None
) -> dict[Way, ways.Found]:
    words = ways.by_words(shelf, asked)
    some = ways.by_some_words(shelf, asked)
    found: dict[Way, ways.Found] = {
        "exact": ways.by_number(shelf, asked) + ways.by_exact(shelf, asked, words + some),
        "words": shares(words),
        "some_words": shares(some),
        "typo": ways.by_typo(shelf, asked) if len(words) < ENOUGH else [],
    }
    if vector:
        found["meaning"] = ways.by_meaning(shelf, *vector)
    return found


def _hits(shelves: Sequence[Shelf], shown: Sequence[Ranked], asked: Asked) -> list[Hit]:
    """The rows themselves; one that vanished since it was found is left out."""
    rows = {
        (shelf.kind, pk): row
        for shelf in shelves
        for pk, row in _rows(shelf, [r.key[1] for r in shown if r.key[0] == shelf.kind]).items()
    }
    return [_hit(rows[r.key], r, asked) for r in shown if r.key in rows]


def _rows(shelf: Shelf, ids: list[int]) -> dict[int, Ticket | Article]:
    related = ["category", "customer"] if shelf.kind == "ticket" else ["category"]
    rows = shelf.rows.select_related(*related).defer(shelf.body, "search_vector")
    return rows.annotate(opening=Left(shelf.body, SEARCHED_CHARACTERS)).in_bulk(ids)


def _hit(row: Ticket | Article, ranked: Ranked, asked: Asked) -> Hit:
    kind, pk = ranked.key
    title = row.subject if kind == "ticket" else row.title
    text = row.opening if kind == "ticket" else plain_text(row.opening)
    why = tuple(dict.fromkeys(way.removeprefix("some_") for way in ranked.ways))
    return Hit(kind, pk, title, snippet(text, asked.words), ranked.score, why, row)
