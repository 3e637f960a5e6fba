"""The page of a ticket, and the parts of it that are polled."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.core import cache
from appliance.core.types import read_number
from appliance.files.views import file_response
from appliance.notifications import services as notifications_services
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services
from appliance.web.ticket_page import TicketForms, TicketPageBuilder

MAX_EARLIER_PARTS = 100


@require_safe
@login_required
def show(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    return ticket_page(request, tickets_queries.access_ticket(request.user, ticket_id))


def ticket_page(
    request: AuthenticatedRequest,
    ticket: Ticket,
    refused_forms: TicketForms | None = None,
    *,
    seen_message: int | None = None,
) -> HttpResponse:
    """Render the whole page; with status 400 and the input kept when a form was refused."""
    builder = TicketPageBuilder(
        request.user,
        ticket,
        earlier_parts=read_earlier_parts(request),
        unfolded_id=request.GET.get("whole", ""),
        forms=refused_forms or TicketForms(),
        seen_message=seen_message,
    )
    if builder.summary.has_notifications and not refused_forms:
        notifications_services.mark_ticket_read(user=request.user, ticket=ticket)
    page = builder.page()
    _record_suggestions(builder)
    return render(request, "web/ticket.html", vars(page), status=400 if refused_forms else 200)


def form_response(
    request: AuthenticatedRequest, ticket: Ticket, part: str, forms: TicketForms | None = None
) -> HttpResponse:
    """Answer a form of the page: with the page itself, or to htmx with the part that was sent.

    ``part`` is "properties", "tags", "fields", "link" or "participants"; the status is 422 when it
    was refused.
    """
    refused_forms = forms if forms and forms.has_errors else None
    if not request.htmx:
        if refused_forms:
            return ticket_page(request, ticket, refused_forms)
        return redirect("ticket", ticket.pk)
    builder = TicketPageBuilder(request.user, ticket, forms=refused_forms or TicketForms())
    context = {
        "ticket": ticket,
        "properties": builder.properties(),
        "part": part,
        "is_refused": bool(refused_forms),
    }
    response = render(
        request, "web/_saved_part.html", context, status=422 if refused_forms else 200
    )
    if not refused_forms:
        response["HX-Trigger"] = "ticket-changed"
    return response


@require_safe
@login_required
def conversation(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Return the conversation and what stands beside it, or 204 when nothing has changed: no ticket
    since the generation ``since`` (no query), or not this one since the event ``seen``.
    """
    generation = cache.generation(cache.TICKETS)
    if generation is not None and request.GET.get("since") == str(generation):
        return HttpResponse(status=204)
    builder = TicketPageBuilder(
        request.user,
        tickets_queries.access_ticket(request.user, ticket_id),
        earlier_parts=read_earlier_parts(request),
        unfolded_id=request.GET.get("whole", ""),
    )
    if request.GET.get("seen") == str(builder.summary.last_event):
        return HttpResponse(status=204)
    return render(request, "web/_ticket_live.html", vars(builder.live()))


@require_safe
@agents_only
def timer(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Return the SLA panel, polled once a minute, or 204 while nothing has changed."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    status = TicketPageBuilder(request.user, ticket).sla_status()
    if request.GET.get("seen") == (status.key if status else ""):
        return HttpResponse(status=204)
    return render(request, "sla/_timer.html", {"ticket": ticket, "status": status})


@require_safe
@login_required
def analysis(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Return what the models say, for a page that was shown before they had read the ticket."""
    return analysis_response(request, tickets_queries.access_ticket(request.user, ticket_id))


def analysis_response(
    request: AuthenticatedRequest,
    ticket: Ticket,
    *,
    dismissed_now: int | None = None,
    category_error: str = "",
) -> HttpResponse:
    """Render the suggestions, classification and similar tickets beside the conversation.

    ``category_error`` says why a category was not confirmed.
    """
    builder = TicketPageBuilder(request.user, ticket)
    context = {
        "ticket": ticket,
        "analysis": builder.analysis(dismissed_now),
        "category_error": category_error,
    }
    _record_suggestions(builder)
    return render(request, "web/_analysis.html", context)


@require_safe
@login_required
def attachment(request: AuthenticatedRequest, attachment_id: int) -> HttpResponseBase:
    return file_response(tickets_queries.access_attachment(request.user, attachment_id).file)


def _record_suggestions(builder: TicketPageBuilder) -> None:
    triage_services.record_shown_suggestions(
        ticket=builder.ticket,
        shown=builder.suggestions,
        to=builder.viewer,
        known_ids=builder.summary.suggested_articles,
    )


def read_earlier_parts(request: HttpRequest) -> int:
    """Return how often the reader of a conversation has asked for earlier messages."""
    return min(read_number(request.GET.get("all", "")) or 0, MAX_EARLIER_PARTS)
