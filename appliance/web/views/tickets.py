"""The SLA panel of the ticket page, polled once a minute."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.core import cache
from appliance.core.forms import Form
from appliance.notifications import services as notifications_services
from appliance.sla import queries as sla_queries
from appliance.sla import status as sla_status
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services
from appliance.web.ticket_page import TicketPage


@require_safe
@agents_only
def timer(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Render the panel, or 204 while nothing has changed."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    status = sla_status.describe_timer(sla_queries.find_timer(ticket))
    if request.GET.get("seen") == (status.key if status else ""):
        return HttpResponse(status=204)
    return render(request, "sla/_timer.html", {"ticket": ticket, "status": status})


@require_safe
@login_required
def show(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    return page(request, tickets_queries.access_ticket(request.user, ticket_id))


def page(
    request: AuthenticatedRequest,
    ticket: Ticket,
    *,
    refused_since: int | None = None,
    **forms: Form,
) -> HttpResponse:
    """The whole page; 400 when a form was refused, with what was typed still in it."""
    shown = TicketPage(
        request.user, ticket, shows_all=_all(request), forms=forms, refused_since=refused_since
    )
    if shown.traces.has_news and not forms:
        notifications_services.mark_ticket_read(user=request.user, ticket=ticket)
    context = shown.context()
    _remember_offered(shown)
    return render(request, "web/ticket.html", context, status=400 if forms else 200)


@require_safe
@login_required
def conversation(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """The conversation and what stands beside it, or 204 when nothing has changed: no ticket at
    all since the generation in ``since`` (no query), or not this one since the event ``seen``.
    """
    generation = cache.generation(cache.TICKETS)
    if generation is not None and request.GET.get("since") == str(generation):
        return HttpResponse(status=204)
    shown = TicketPage(
        request.user,
        tickets_queries.access_ticket(request.user, ticket_id),
        shows_all=_all(request),
    )
    if request.GET.get("seen") == str(shown.traces.last_event):
        return HttpResponse(status=204)
    return render(request, "web/_ticket_live.html", shown.live())


@require_safe
@login_required
def evidence(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """What the models said, for a page that was shown before they were done."""
    return evidence_of(request, tickets_queries.access_ticket(request.user, ticket_id))


def evidence_of(request: AuthenticatedRequest, ticket: Ticket, **more: object) -> HttpResponse:
    """What stands beside the conversation, with the articles that are offered now."""
    shown = TicketPage(request.user, ticket)
    context = shown.evidence() | more
    _remember_offered(shown)
    return render(request, "web/_evidence.html", context)


def _remember_offered(shown: TicketPage) -> None:
    triage_services.record_shown_suggestions(
        ticket=shown.ticket,
        shown=shown.suggestions,
        to=shown.viewer,
        known_ids=shown.traces.suggested,
    )


def _all(request: AuthenticatedRequest) -> bool:
    return request.GET.get("all") == "1"
