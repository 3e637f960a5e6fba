"""What a page of results shows: the rows that were found, each with the lines that fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models.functions import Left
from django.utils.safestring import SafeString

from appliance.accounts.models import Customer
from appliance.knowledge.models import Article
from appliance.search.corpora import Kind, Shelf, find
from appliance.search.query_parser import Asked
from appliance.search.ranking import Ranked
from appliance.search.snippets import SEARCHED_CHARACTERS, mark, snippet
from appliance.tickets.models import Message, Ticket
from appliance.triage.passages import plain_text

RELATED = {
    "ticket": ["customer"],
    "article": ["category"],
    "customer": ["organisation"],
}
Said = dict[int, int]  # ticket to the message that fits


@dataclass(frozen=True)
class Hit:
    """One search result."""

    kind: Kind
    id: int
    title: str
    marked_title: SafeString  # safe HTML, like the snippet
    snippet: SafeString  # safe HTML; what was looked for stands in <mark>
    score: float  # 0..1
    why: tuple[str, ...]  # "exact", "name", "meaning", "words", "said", "typo"; strongest first
    object: Ticket | Article | Customer  # without its long text
    message: Message | None = None  # where the words were said, if not in the ticket itself


def read_hits(
    shelves: Sequence[Shelf], shown: Sequence[Ranked], asked: Asked, said: Said
) -> list[Hit]:
    """The rows themselves; one that vanished since it was found is left out."""
    rows = {
        (shelf.kind, pk): row
        for shelf in shelves
        for pk, row in _rows(shelf, [r.key[1] for r in shown if r.key[0] == shelf.kind]).items()
    }
    messages = _messages(find(shelves, "ticket"), shown, said)
    return [_hit(rows[r.key], r, asked, messages) for r in shown if r.key in rows]


def _rows(shelf: Shelf, ids: list[int]) -> dict[int, Ticket | Article | Customer]:
    if not ids:
        return {}
    rows = shelf.rows.select_related(*RELATED[shelf.kind])
    if shelf.body:
        rows = rows.defer(shelf.body, "search_vector")
        rows = rows.annotate(opening=Left(shelf.body, SEARCHED_CHARACTERS))
    return rows.order_by().in_bulk(ids)


def _messages(shelf: Shelf | None, shown: Sequence[Ranked], said: Said) -> dict[int, Message]:
    """Of tickets that do not hold the words themselves, the message that does."""
    wanted = [
        said[pk]
        for (kind, pk), ways in ((one.key, one.ways) for one in shown)
        if kind == "ticket" and pk in said and "words" not in ways
    ]
    if shelf is None or not wanted:
        return {}
    rows = shelf.said.filter(pk__in=wanted).defer("body", "search_vector")
    rows = rows.annotate(opening=Left("body", SEARCHED_CHARACTERS))
    return {row.ticket_id: row for row in rows}


def _hit(
    row: Ticket | Article | Customer, ranked: Ranked, asked: Asked, messages: Mapping[int, Message]
) -> Hit:
    kind, pk = ranked.key
    message = messages.get(pk) if kind == "ticket" else None
    title, text = _texts(kind, row)
    return Hit(
        kind,
        pk,
        title,
        mark(title, asked.words),
        snippet(message.opening if message else text, asked.words),
        ranked.score,
        _why(ranked),
        row,
        message,
    )


def _why(ranked: Ranked) -> tuple[str, ...]:
    """Each once; what holds all the words resembles them anyway."""
    holds_all = {"exact", "words", "said"} & set(ranked.ways)
    ways = [way for way in ranked.ways if way != "typo" or not holds_all]
    return tuple(dict.fromkeys(way.removeprefix("some_") for way in ways))


def _texts(kind: Kind, row: Ticket | Article | Customer) -> tuple[str, str]:
    if kind == "ticket":
        return row.subject, row.opening
    if kind == "article":
        return row.title, plain_text(row.opening)
    return row.full_name, " · ".join(filter(None, [row.email, str(row.organisation or "")]))
