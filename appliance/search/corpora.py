"""The corpora a viewer may search, filtered: tickets with their messages, articles, customers.

Every retriever starts from these rows, so a search never has to hide a hit afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import cached_property
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import CUSTOMER_SEARCH_TEXT, Customer, User, Viewer
from appliance.core.sql_files import fetch_rows
from appliance.knowledge.models import Article
from appliance.search.ranking import Kind
from appliance.tickets.filters import language_filter
from appliance.tickets.models import OPEN_STATUSES, Message, Ticket
from appliance.triage.models import Passage, TicketVector
from appliance.triage.models.predictions import VectorQuerySet

IdRange = tuple[int, int]
UNSOLVED = "unsolved"  # as a status: every status of open tickets
NO_CATEGORY = "none"
TICKET_FILTERS = ("status", "customers", "tag", "assignee", "channel", "language")


@dataclass(frozen=True)
class SearchFilters:
    """Filters of a search; an empty value does not filter."""

    status: str = ""  # a Status, or UNSOLVED
    category: str = ""  # a slug, or NO_CATEGORY
    customers: tuple[int, ...] = ()
    tag: str = ""
    assignee: str = ""  # "me", "nobody" or an id
    channel: str = ""
    language: str = ""  # a code, or NO_LANGUAGE
    after: date | None = None  # that day or later
    before: date | None = None  # earlier than that day

    @property
    def is_active(self) -> bool:
        return self != SearchFilters()

    @property
    def matches_tickets_only(self) -> bool:
        return any(getattr(self, name) for name in TICKET_FILTERS)

    def apply_to_tickets(self, tickets: QuerySet[Ticket], viewer: User) -> QuerySet[Ticket]:
        conditions = self._category_and_dates("created_at")
        if self.status == UNSOLVED:
            conditions &= Q(status__in=OPEN_STATUSES)
        elif self.status:
            conditions &= Q(status=self.status)
        if self.customers:
            conditions &= Q(customer__in=self.customers)
        if self.tag:
            conditions &= Q(tags__name__iexact=self.tag)
        if self.assignee:
            conditions &= Q(assignee=self._assignee_id(viewer))
        if self.channel:
            conditions &= Q(channel=self.channel)
        if self.language:
            conditions &= language_filter(self.language)
        return tickets.filter(conditions)

    def apply_to_articles(self, articles: QuerySet[Article]) -> QuerySet[Article]:
        return articles.filter(self._category_and_dates("updated_at"))

    def _category_and_dates(self, date_field: str) -> Q:
        conditions = Q()
        if self.category:
            conditions &= Q(category__slug=None if self.category == NO_CATEGORY else self.category)
        if self.after:
            conditions &= Q(**{f"{date_field}__gte": _start_of_day(self.after)})
        if self.before:
            conditions &= Q(**{f"{date_field}__lt": _start_of_day(self.before)})
        return conditions

    def _assignee_id(self, viewer: User) -> int | str | None:
        if self.assignee == "nobody":
            return None
        return viewer.pk if self.assignee == "me" else self.assignee


def _start_of_day(day: date) -> datetime:
    """Return midnight in the time zone of the current request."""
    return timezone.make_aware(datetime.combine(day, time.min))


class IdRanges:
    """The smallest and largest id of each kind, read with one query when first needed."""

    def of(self, model: type[Model]) -> IdRange:
        return self._by_model[model]

    @cached_property
    def _by_model(self) -> dict[type[Model], IdRange]:
        ids = [number or 0 for number in fetch_rows("search", "id_ranges")[0]]
        ranges = zip(ids[::2], ids[1::2], strict=True)
        return dict(zip((Ticket, Article, Customer), ranges, strict=True))


@dataclass(frozen=True)
class Corpus:
    """One kind of rows to search, with the vectors and messages that belong to them."""

    kind: Kind
    rows: QuerySet[Any]
    title_field: str = ""
    body_field: str = ""
    vectors: VectorQuerySet | None = None
    vector_owner_field: str = ""  # the field of a vector that names its row
    messages: QuerySet[Message] | None = None
    date_field: str = "created_at"
    oldest_first: bool = False
    hides_values: bool = False  # words of custom fields do not match
    id_ranges: IdRanges = field(default_factory=IdRanges)

    @property
    def id_range(self) -> IdRange:
        return self.id_ranges.of(self.rows.model)


def list_corpora(
    viewer: Viewer, kind: str, filters: SearchFilters, *, oldest_first: bool = False
) -> list[Corpus]:
    """Return the corpora the viewer may search, filtered.

    ``kind`` is "tickets", "articles" or "customers"; anything else is all of them.
    """
    if viewer.is_anonymous:  # sees articles only on a site that publishes them
        return [] if filters.matches_tickets_only else [_articles(viewer, filters, oldest_first)]
    if not viewer.is_active:
        return []
    kinds = (
        (kind,)
        if kind in ("tickets", "articles", "customers")
        else ("tickets", "articles", "customers")
    )
    corpora = []
    if "tickets" in kinds:
        corpora.append(_tickets(viewer, filters, oldest_first))
    if "articles" in kinds and not filters.matches_tickets_only:
        corpora.append(_articles(viewer, filters, oldest_first))
    if "customers" in kinds and viewer.is_agent and not filters.is_active:
        corpora.append(_customers(oldest_first))
    id_ranges = IdRanges()
    return [replace(corpus, id_ranges=id_ranges) for corpus in corpora]


def find_corpus(corpora: Sequence[Corpus], kind: Kind) -> Corpus | None:
    return next((corpus for corpus in corpora if corpus.kind == kind), None)


def _tickets(viewer: User, filters: SearchFilters, oldest_first: bool) -> Corpus:
    tickets = filters.apply_to_tickets(Ticket.objects.visible_to(viewer), viewer)
    vectors = TicketVector.objects.visible_to(viewer)
    messages = Message.objects.all()
    if not viewer.is_agent:
        messages = messages.filter(kind=Message.Kind.REPLY)
    if filters.is_active or not viewer.is_agent or accounts_queries.hidden_team_ids(viewer):
        messages = messages.filter(ticket__in=tickets.order_by().values("pk"))
    if filters.is_active:
        vectors = vectors.filter(ticket__in=tickets.order_by().values("pk"))
    return Corpus(
        "ticket",
        tickets,
        title_field="subject",
        body_field="description",
        vectors=vectors,
        vector_owner_field="ticket_id",
        messages=messages,
        oldest_first=oldest_first,
        hides_values=not viewer.is_agent,  # customers may see some fields only
    )


def _articles(viewer: Viewer, filters: SearchFilters, oldest_first: bool) -> Corpus:
    articles = filters.apply_to_articles(Article.objects.visible_to(viewer))
    vectors = Passage.objects.visible_to(viewer)
    if filters.is_active:
        vectors = vectors.filter(article__in=articles.order_by().values("pk"))
    return Corpus(
        "article",
        articles,
        title_field="title",
        body_field="content",
        vectors=vectors,
        vector_owner_field="article_id",
        date_field="updated_at",
        oldest_first=oldest_first,
    )


def _customers(oldest_first: bool) -> Corpus:
    """Return all customers; only agents may search them."""
    customers = Customer.objects.filter(anonymised_at=None).annotate(known_by=CUSTOMER_SEARCH_TEXT)
    return Corpus("customer", customers, title_field="known_by", oldest_first=oldest_first)
