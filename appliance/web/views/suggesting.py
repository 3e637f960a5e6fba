"""Whether a suggested article fits the ticket."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from appliance.knowledge import queries as knowledge_queries
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services
from appliance.web.access import agents_only
from appliance.web.views.tickets import evidence_of


@require_POST
@agents_only
def refuse(request: HttpRequest, ticket_id: int, article_id: int) -> HttpResponse:
    """The next best one takes its place."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    article = knowledge_queries.access_article(request.user, article_id)
    triage_services.refuse(ticket=ticket, article=article, by=request.user)
    return _answer(request, ticket, just_refused=article.pk)


@require_POST
@agents_only
def take_back(request: HttpRequest, ticket_id: int, article_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    article = knowledge_queries.access_article(request.user, article_id)
    triage_services.undo_dismissal(ticket=ticket, article=article, by=request.user)
    return _answer(request, ticket)


def _answer(request: HttpRequest, ticket: Ticket, **more: object) -> HttpResponse:
    if request.htmx:
        return evidence_of(request, ticket, **more)
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#articles")
