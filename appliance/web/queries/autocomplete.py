"""What is meant while somebody is still typing: a customer, a ticket, an article."""

from html import unescape

from django.db.models import Q
from django.utils.html import strip_tags

from appliance.accounts.models import Customer, User
from appliance.core.types import read_number
from appliance.search.queries import find_ticket_ids, search
from appliance.tickets.models import Ticket
from appliance.triage.queries import SimilarTicket
from appliance.triage.suggestions import SuggestedArticle

LEAST = 2  # characters before anything is looked up


def find_customers(viewer: User, text: str, limit: int = 8) -> list[Customer]:
    """By name or address; for agents, who may open a ticket for anybody."""
    words = text.replace("\0", "").split()[:5]
    if not viewer.is_agent or len("".join(words)) < LEAST:
        return []
    rows = Customer.objects.filter(anonymised_at=None)
    for word in words:
        in_name = Q(first_name__icontains=word) | Q(last_name__icontains=word)
        rows = rows.filter(in_name | Q(email__icontains=word))
    return list(rows.order_by("last_name", "first_name", "pk")[:limit])


def find_tickets(viewer: User, text: str, *, leave_out: Ticket, limit: int = 8) -> list[Ticket]:
    """By number, or as search finds them by words, best first."""
    text = text.replace("\0", "").strip()
    number = read_number(text.upper().removeprefix("SKR-"))
    if number is None and len(text) < LEAST:
        return []
    ids = find_ticket_ids(viewer, text) if number is None else [number]
    meant = [pk for pk in ids if pk != leave_out.pk][:limit]
    rows = _short(Ticket.objects.visible_to(viewer)).in_bulk(meant)
    return [rows[pk] for pk in meant if pk in rows]


def list_merge_candidates(
    viewer: User, ticket: Ticket, similar: list[SimilarTicket]
) -> list[Ticket]:
    """Tickets of the same customer: those alike in meaning, then the newest open ones."""
    near = [row.ticket for row in similar if row.ticket.customer_id == ticket.customer_id]
    others = Ticket.objects.visible_to(viewer).open().filter(customer=ticket.customer)
    others = others.exclude(pk__in=[ticket.pk, *(row.pk for row in near)])
    rows = [*near, *_short(others).order_by("-created_at", "-id")[:5]]
    return [row for row in rows if not row.merged_into_id]


def find_articles(viewer: User, text: str, limit: int = 5) -> list[SuggestedArticle]:
    """Articles a customer can open, as search finds them; the passage is plain text."""
    if len(text.strip()) < LEAST:
        return []
    hits = search(viewer, text, kind="articles", limit=limit).hits
    return [
        SuggestedArticle(hit.object, hit.score, unescape(strip_tags(hit.snippet)))
        for hit in hits
        if hit.object.is_for_customers
    ]


def _short(tickets):
    return tickets.select_related("customer").defer("description", "search_vector")
