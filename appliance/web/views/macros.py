"""Canned responses, macros and articles for agents who reply to a ticket."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import services as accounts_services
from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.core.errors import BadInputError
from appliance.macros import queries as macros_queries
from appliance.macros import services as macros_services
from appliance.macros import variables
from appliance.macros.models import Macro
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import Ticket
from appliance.web import queries
from appliance.web.forms import MacroUseForm
from appliance.web.ticket_page import TicketPageBuilder

MAX_NOTE = 90  # characters of a text in a list to choose from


@require_safe
@agents_only
def find_canned_responses(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Return canned responses by shortcut, name or text, for the completion of a field."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    responses = macros_queries.find_canned_responses(request.user, request.GET.get("q", "").strip())
    items = [
        {
            "label": f":{response.shortcut}  {response.name}"
            if response.shortcut
            else response.name,
            "note": variables.render(response.body, ticket, request.user)[:MAX_NOTE],
            "use": reverse("insert-canned-response", args=[ticket.pk, response.pk]),
        }
        for response in responses
    ]
    return JsonResponse({"items": items})


@require_POST
@agents_only
def insert_canned_response(
    request: AuthenticatedRequest, ticket_id: int, canned_id: int
) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    canned_response = macros_queries.access_canned_response(request.user, canned_id)
    text = macros_services.render_canned_response(
        canned_response=canned_response, ticket=ticket, by=request.user
    )
    return JsonResponse({"text": text})


@require_http_methods(["GET", "HEAD", "POST"])
@agents_only
def run_macro(request: AuthenticatedRequest, ticket_id: int, macro_id: int) -> HttpResponse:
    """Show what the macro will do and send; apply it."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    macro = macros_queries.access_macro(request.user, macro_id)
    if request.method != "POST":
        return _preview_macro(request, ticket, macro)
    accounts_services.check_person_rate(request.user)
    form = MacroUseForm(request.POST)
    if form.is_valid():
        form.attempt(
            macros_services.run_macro,
            macro=macro,
            ticket=ticket,
            by=request.user,
            idempotency_key=form.cleaned_data["idempotency_key"],
            seen_message_id=form.cleaned_data["seen_message"],
        )
    if form.errors:
        why = " ".join(form.top_errors())
        raise BadInputError(
            _("Macro “%(macro)s” was not applied. %(why)s") % {"macro": macro, "why": why}
        )
    messages.success(request, _("Macro “%s” applied.") % macro)
    return redirect("ticket", ticket.pk)


def _preview_macro(request: AuthenticatedRequest, ticket: Ticket, macro: Macro) -> HttpResponse:
    newest_message = TicketPageBuilder(request.user, ticket).newest_message
    context = {
        "ticket": ticket,
        "macro": macro,
        "preview": macros_queries.preview_macro(request.user, macro, ticket),
        "form": MacroUseForm(initial={"seen_message": newest_message}),
    }
    template = "web/_macro_preview.html" if request.htmx else "web/macro.html"
    return render(request, template, context)


@require_safe
@agents_only
def find_articles(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Return articles for the search beside the conversation."""
    tickets_queries.access_ticket(request.user, ticket_id)
    query = request.GET.get("q", "").strip()
    context = {"suggestions": queries.find_articles(request.user, query), "query": query}
    return render(request, "web/_article_hits.html", context)
