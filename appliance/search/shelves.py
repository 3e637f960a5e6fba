"""What can be found by one viewer: each kind of thing as the rows they see, narrowed as they asked.

Whatever searches starts from these rows, so nothing is ever found and taken away again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from django.db import connection
from django.db.models import Model, QuerySet

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import KNOWN_BY, Customer, User
from appliance.knowledge.models import Article
from appliance.search.narrowing import Narrowed
from appliance.tickets.models import Message, Ticket
from appliance.triage.models import Passage, TicketVector

Kind = Literal["ticket", "article", "customer"]
_SPANS = """
SELECT (SELECT min(id) FROM tickets_ticket), (SELECT max(id) FROM tickets_ticket),
    (SELECT min(id) FROM knowledge_article), (SELECT max(id) FROM knowledge_article),
    (SELECT min(id) FROM accounts_customer), (SELECT max(id) FROM accounts_customer)
"""


@dataclass(frozen=True)
class Shelf:
    """One kind of thing to find, its vectors, and what was said on it."""

    kind: Kind
    rows: QuerySet
    title: str = ""
    body: str = ""
    vectors: QuerySet | None = None
    owner: str = ""  # the field of a vector that names its row
    said: QuerySet | None = None
    moment: str = "created_at"  # what "newest" goes by
    oldest_first: bool = False
    spans: "Spans" = field(default_factory=lambda: Spans())

    @property
    def span(self) -> tuple[int, int]:
        return self.spans.of(self.rows.model)


class Spans:
    """The least and the greatest number of each kind; where a search by eras begins. One query,
    when first asked.
    """

    def of(self, model: type[Model]) -> tuple[int, int]:
        return self._read[model]

    @cached_property
    def _read(self) -> dict[type[Model], tuple[int, int]]:
        kinds = (Ticket, Article, Customer)
        with connection.cursor() as cursor:
            cursor.execute(_SPANS)
            found = [number or 0 for number in cursor.fetchone()]
        return dict(zip(kinds, zip(found[::2], found[1::2], strict=True), strict=True))


def of(viewer: User, kind: str, narrowed: Narrowed, *, oldest_first: bool = False) -> list[Shelf]:
    """What to look through. ``kind`` as "tickets", "articles", "customers", anything else: all."""
    if viewer.is_anonymous:  # empty unless the desk shows its articles to everybody
        return [] if narrowed.is_for_tickets else [_articles(viewer, narrowed, oldest_first)]
    if not viewer.is_active:
        return []
    wanted = kind if kind in ("tickets", "articles", "customers") else "all"
    shelves = []
    if wanted in ("all", "tickets"):
        shelves.append(_tickets(viewer, narrowed, oldest_first))
    if wanted in ("all", "articles") and not narrowed.is_for_tickets:
        shelves.append(_articles(viewer, narrowed, oldest_first))
    if wanted in ("all", "customers") and viewer.is_agent and not narrowed.is_narrowed:
        shelves.append(_customers(oldest_first))
    spans = Spans()
    return [replace(shelf, spans=spans) for shelf in shelves]


def find(shelves: Sequence[Shelf], kind: Kind) -> Shelf | None:
    return next((shelf for shelf in shelves if shelf.kind == kind), None)


def _tickets(viewer: User, narrowed: Narrowed, oldest_first: bool) -> Shelf:
    rows = narrowed.tickets(Ticket.objects.visible_to(viewer), viewer)
    vectors = TicketVector.objects.visible_to(viewer)
    said = Message.objects.all()
    if not viewer.is_agent:
        said = said.filter(kind=Message.Kind.REPLY)
    if narrowed.is_narrowed or not viewer.is_agent or accounts_queries.hidden_teams(viewer):
        said = said.filter(ticket__in=rows.order_by().values("pk"))
    if narrowed.is_narrowed:
        vectors = vectors.filter(ticket__in=rows.order_by().values("pk"))
    return Shelf(
        "ticket",
        rows,
        "subject",
        "description",
        vectors,
        "ticket_id",
        said,
        oldest_first=oldest_first,
    )


def _articles(viewer: User, narrowed: Narrowed, oldest_first: bool) -> Shelf:
    rows = narrowed.articles(Article.objects.visible_to(viewer))
    vectors = Passage.objects.visible_to(viewer)
    if narrowed.is_narrowed:
        vectors = vectors.filter(article__in=rows.order_by().values("pk"))
    return Shelf(
        "article",
        rows,
        "title",
        "content",
        vectors,
        "article_id",
        moment="updated_at",
        oldest_first=oldest_first,
    )


def _customers(oldest_first: bool) -> Shelf:
    """For agents, who may open a ticket for anybody."""
    rows = Customer.objects.filter(anonymised_at=None).annotate(known_by=KNOWN_BY)
    return Shelf("customer", rows, "known_by", oldest_first=oldest_first)
