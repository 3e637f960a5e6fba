"""Reads that need more than one room, each scoped to the viewer."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Concat, Trim
from django.db.models.lookups import IContains
from django.http import Http404
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from pgvector.django import CosineDistance

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import CUSTOMER_SEARCH_TEXT, Customer, User, Viewer
from appliance.core import cache, markdown
from appliance.core.reader_language import get_reader_language
from appliance.core.types import read_number
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge.models import Article
from appliance.search.queries import find_ticket_ids, search
from appliance.tickets import queries as tickets_queries
from appliance.tickets.filters import field_text
from appliance.tickets.models import OPEN_STATUSES, Attachment, Message, Status, Ticket
from appliance.tickets.words import as_text
from appliance.triage.models import Passage
from appliance.triage.queries import SimilarTicket
from appliance.triage.suggestions import SuggestedArticle
from appliance.triage.vector_search import list_nearest

# --- forwarding


def list_all_attachments(viewer: User, ticket: Ticket) -> QuerySet[Attachment]:
    """Return the files of a ticket the viewer may see to agents, of its notes too."""
    attachments = Attachment.objects.filter(ticket=ticket).select_related("file")
    return attachments.order_by("pk") if viewer.is_agent else attachments.none()


def forwarded_text(viewer: User, ticket: Ticket, message_id: int | None) -> str:
    """Return a message of the ticket as a quotation in Markdown; without one, its description."""
    if message_id is None:
        return _quotation(ticket.customer.full_name, ticket.created_at, ticket.description)
    message = tickets_queries.access_message(viewer, message_id)
    return _quotation(message.author_name, message.created_at, as_text(message))


def _quotation(name: str, at: datetime, text: str) -> str:
    when = date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
    line = _("%(name)s wrote on %(when)s:") % {"name": markdown.escape(name), "when": when}
    return f"\n\n{line}\n\n{markdown.quote(text)}"


# --- guests

GUEST_LINK_GRACE = timedelta(days=30)  # how long the link works after the ticket was closed


def access_guest_ticket(token: str) -> Ticket:
    """Return the ticket of a secret link.

    Raises Http404 for a wrong link, and for one whose ticket was closed a month ago.
    """
    ticket = tickets_queries.access_guest_ticket(token)
    is_over = ticket.status == Status.CLOSED or ticket.customer.anonymised_at
    if is_over and ticket.updated_at < timezone.now() - GUEST_LINK_GRACE:
        raise Http404
    return ticket


def access_guest_attachment(token: str, attachment_id: int) -> Attachment:
    """Return a file of the ticket of a secret link. Raises Http404."""
    access_guest_ticket(token)
    return tickets_queries.access_guest_attachment(token, attachment_id)


def list_guest_messages(ticket: Ticket, *, limit: int | None = None) -> list[Message]:
    """Return the replies on this ticket, or so many of the newest; never a note.

    Nor messages of tickets merged into it: a customer with a user account may have created those,
    and nobody has shown that whoever holds this link is that customer.
    """
    return tickets_queries.list_messages(AnonymousUser(), ticket, merged=[], limit=limit)


# --- tickets of customers and of people who leave

STATES = ("open", "solved", "all")
NUMBER = re.compile(r"^\s*(?:skr-)?(\d{1,18})\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class MyTickets:
    """The filters of a customer's ticket list."""

    state: str = "open"  # one of STATES
    whose: str = ""  # "mine": without those of the organisation
    text: str = ""

    def apply(self, tickets: QuerySet[Ticket], viewer: User) -> QuerySet[Ticket]:
        if self.whose == "mine":
            tickets = tickets.filter(customer__user=viewer)
        if self.text:
            tickets = tickets.filter(_contains(viewer, self.text))
        if self.state == "open":
            return tickets.filter(status__in=OPEN_STATUSES)
        return tickets.exclude(status__in=OPEN_STATUSES) if self.state == "solved" else tickets


def list_mine(viewer: User, filters: MyTickets) -> QuerySet[Ticket]:
    """Return the customer's tickets with their customers, newest first, without the long texts."""
    tickets = _without_texts(filters.apply(Ticket.objects.visible_to(viewer), viewer))
    return tickets.order_by("-created_at", "-id")


def count_mine(viewer: User, whose: str = "") -> dict[str, int]:
    """Return {"open": n, "solved": n, "all": n}; from the cache if there."""
    return cache.get_or_compute(
        "portal_counts",
        [viewer.pk, whose],
        lambda: _count_mine(viewer, whose),
        depends_on=[cache.TICKETS, cache.TEAMS],
    )


def _count_mine(viewer: User, whose: str) -> dict[str, int]:
    tickets = MyTickets("all", whose).apply(Ticket.objects.visible_to(viewer), viewer)
    is_open = Q(status__in=OPEN_STATUSES)
    counts = tickets.aggregate(open=Count("pk", filter=is_open), all=Count("pk"))
    return counts | {"solved": counts["all"] - counts["open"]}


def _contains(viewer: User, text: str) -> Q:
    """Match the number of a ticket, what search finds, or a part of the subject or of a custom
    field the customer may see: a customer has few tickets, so each of them is read.
    """
    parts = Q(subject__icontains=text.strip())
    for key in tickets_queries.list_public_field_keys():
        parts |= Q(IContains(field_text(key), text.strip(' "')))
    if number := NUMBER.match(text):
        return Q(pk=int(number.group(1))) | parts
    return Q(pk__in=find_ticket_ids(viewer, text)) | parts


def find_shared_organisation(viewer: User) -> str:
    """Return the name of the viewer's organisation if its members see each other's tickets."""
    customer = accounts_queries.find_customer_of(viewer)
    is_shared = customer and accounts_queries.sees_colleagues_tickets(customer)
    return str(customer.organisation) if customer and is_shared else ""


def count_open_tickets_of(assignee: User) -> int:
    """Return how many open tickets somebody else must take over when this person leaves."""
    return Ticket.objects.open().filter(assignee=assignee).count()


# --- completion while somebody types

MIN_CHARACTERS = 2


def find_customers(viewer: User, text: str, limit: int = 8) -> list[Customer]:
    """Return customers with an address, by name, address, phone, staff number or room.

    For agents alone.
    """
    words = text.replace("\0", "").split()[:5]
    if not viewer.is_agent or len("".join(words)) < MIN_CHARACTERS:
        return []
    customers = Customer.objects.filter(anonymised_at=None).exclude(email="")
    customers = customers.annotate(known_by=CUSTOMER_SEARCH_TEXT)
    for word in words:
        customers = customers.filter(known_by__contains=word.lower())
    return list(customers.order_by("last_name", "first_name", "pk")[:limit])


def find_namesakes(viewer: User, name: str, limit: int = 5) -> list[Customer]:
    """Return customers of exactly this name, for an agent who is about to add another."""
    if not viewer.is_agent or len(name) < MIN_CHARACTERS:
        return []
    full_name = Trim(Concat("first_name", Value(" "), "last_name"))
    customers = Customer.objects.select_related("user", "organisation").filter(anonymised_at=None)
    # the index serves the first condition
    similar = customers.annotate(known_by=CUSTOMER_SEARCH_TEXT, full=full_name).filter(
        known_by__contains=name.lower(), full__iexact=name
    )
    return list(similar.order_by("pk")[:limit])


def find_tickets(viewer: User, text: str, *, leave_out: Ticket, limit: int = 8) -> list[Ticket]:
    """Return the ticket with a number, or tickets as search finds them by words, best first."""
    text = text.replace("\0", "").strip()
    number = read_number(text.upper().lstrip("#").removeprefix("SKR-"))
    if number is None and len(text) < MIN_CHARACTERS:
        return []
    ids = find_ticket_ids(viewer, text) if number is None else [number]
    ids = [pk for pk in ids if pk != leave_out.pk][:limit]
    tickets = _without_texts(Ticket.objects.visible_to(viewer)).in_bulk(ids)
    return [tickets[pk] for pk in ids if pk in tickets]


def list_merge_candidates(
    viewer: User, ticket: Ticket, similar_tickets: list[SimilarTicket]
) -> list[Ticket]:
    """Return tickets of the same customer: the similar ones, then the newest open ones."""
    similar = [
        match.ticket for match in similar_tickets if match.ticket.customer_id == ticket.customer_id
    ]
    others = Ticket.objects.visible_to(viewer).open().filter(customer=ticket.customer)
    others = others.exclude(pk__in=[ticket.pk, *(match.pk for match in similar)])
    newest = _without_texts(others).order_by("-created_at", "-id")[:5]
    return [candidate for candidate in [*similar, *newest] if not candidate.merged_into_id]


def find_articles(viewer: User, text: str, limit: int = 5) -> list[SuggestedArticle]:
    """Return articles a customer can open, as search finds them; the passage is plain text."""
    if len(text.strip()) < MIN_CHARACTERS:
        return []
    hits = search(viewer, text, kind="articles", limit=limit).hits
    return [
        SuggestedArticle(hit.object, hit.score, unescape(strip_tags(hit.snippet)))
        for hit in hits
        if isinstance(hit.object, Article) and hit.object.is_for_customers
    ]


def _without_texts(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    return tickets.select_related("customer").defer("description", "search_vector")


# --- related articles

MIN_SIMILARITY = 0.4  # cosine; above what articles have in common that only share a category
MAX_PASSAGES = 40  # compared to find a few articles


def list_related(viewer: Viewer, article: Article, limit: int = 4) -> list[Article]:
    """Return the articles for readers that are nearest in meaning to how this one begins.

    Cached by what the viewer may read.
    """
    readers = "public" if viewer.is_anonymous else "customers"
    ids = cache.get_or_compute(
        "related_articles",
        [article.pk, readers, limit, get_reader_language()],
        lambda: _list_nearest_ids(viewer, article)[:limit],
        depends_on=[cache.ARTICLES],
    )
    readable = Article.objects.visible_to(viewer).for_customers()
    articles = readable.defer("content", "search_vector").in_bulk(ids)
    return [articles[pk] for pk in ids if pk in articles]


def _list_nearest_ids(viewer: Viewer, article: Article) -> list[int]:
    first_passage = article.passages.first()
    if first_passage is None:
        return []
    readable = Article.objects.visible_to(viewer).for_customers()
    readable = knowledge_queries.choose_for_reader(readable)
    passages = (
        Passage.objects.filter(space=first_passage.space, article__in=readable)
        .exclude(article__in=Article.objects.in_groups([article.group_id]).values("pk"))
        .annotate(distance=CosineDistance("vector", first_passage.vector))
        .only("pk", "article")
        .order_by("distance")
    )
    nearest = list_nearest(passages, MAX_PASSAGES, min_cosine=MIN_SIMILARITY)
    return [*dict.fromkeys(passage.article_id for passage in nearest)]
