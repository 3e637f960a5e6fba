"""Tickets that belong together: linked, merged, split."""

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.models import Right
from appliance.accounts.permissions import AuthenticatedRequest, agents_only, with_right
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import LinkForm, MergeForm, SplitForm
from appliance.tickets.models import Ticket
from appliance.triage import queries as triage_queries
from appliance.web import queries
from appliance.web.ticket_page import TicketForms
from appliance.web.views.tickets import form_response


@require_POST
@agents_only
def link(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = LinkForm(request.POST, viewer=request.user)
    if form.is_valid():
        form.attempt(
            tickets_services.link_tickets,
            source=ticket,
            target=form.cleaned_data["target"],
            kind=form.cleaned_data["kind"],
            by=request.user,
        )
    return form_response(request, ticket, "link", TicketForms(link=form))


@require_POST
@agents_only
def unlink(request: AuthenticatedRequest, ticket_id: int, link_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    link = tickets_queries.access_link(request.user, link_id)
    if ticket.pk not in (link.source_id, link.target_id):
        raise Http404
    tickets_services.unlink_tickets(link=link, by=request.user)
    return form_response(request, ticket, "link")


@require_http_methods(["GET", "POST"])
@with_right(Right.MERGE)
def merge(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Choose the other ticket, see what a merge would do, then merge."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    data = request.POST or request.GET
    form = MergeForm(data if "target" in data else None, viewer=request.user)
    target: Ticket | None = form.cleaned_data["target"] if form.is_valid() else None
    obstacle = ""
    if target:
        obstacle = tickets_queries.find_merge_obstacle(request.user, ticket, target)
    if request.method == "POST" and target and not obstacle:
        form.attempt(tickets_services.merge_tickets, source=ticket, target=target, by=request.user)
        if not form.errors:
            numbers = {"source": ticket.number, "target": target.number}
            messages.success(request, _("%(source)s merged into %(target)s.") % numbers)
            return redirect("ticket", target.pk)
    if target:
        form.hide_target()
    else:
        url = reverse("find-tickets", args=[ticket.pk])
        form.set_completion("target", "whole", url=url, pick="")
    context = {
        "ticket": ticket,
        "form": form,
        "target": target,
        "obstacle": obstacle,
        "candidates": [] if target else _merge_candidates(request, ticket),
    }
    is_refused = form.errors or (obstacle and request.method == "POST")
    return render(request, "web/merge.html", context, status=400 if is_refused else 200)


def _merge_candidates(request: AuthenticatedRequest, ticket: Ticket) -> list[Ticket]:
    similar = triage_queries.list_similar_tickets(request.user, ticket)
    return queries.list_merge_candidates(request.user, ticket, similar)


@require_POST
@with_right(Right.MERGE)
def unmerge(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    tickets_services.unmerge_ticket(ticket=ticket, by=request.user)
    messages.success(request, _("%s unmerged.") % ticket.number)
    return redirect("ticket", ticket.pk)


@require_http_methods(["GET", "POST"])
@with_right(Right.MERGE)
def split(request: AuthenticatedRequest, ticket_id: int, message_id: int) -> HttpResponse:
    """Make a message of the ticket a ticket of its own."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    message = tickets_queries.access_message(request.user, message_id)
    if message.ticket_id != ticket.pk:
        raise Http404
    form = SplitForm(request.POST or None)
    if form.is_valid():
        new_ticket = form.attempt(
            tickets_services.split_ticket, message=message, by=request.user, **form.cleaned_data
        )
        if new_ticket:
            numbers = {"new": new_ticket.number, "old": ticket.number}
            messages.success(request, _("%(new)s split from %(old)s.") % numbers)
            return redirect("ticket", new_ticket.pk)
    context = {"ticket": ticket, "message": message, "form": form}
    return render(request, "web/split.html", context, status=400 if form.errors else 200)


@require_safe
@agents_only
def find_tickets(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Return tickets by number or by words of the subject, for the completion of a field."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    tickets = queries.find_tickets(request.user, request.GET.get("q", ""), leave_out=ticket)
    items = [
        {
            "text": match.number,
            "label": str(match),
            "note": f"{match.customer.full_name} · {match.get_status_display()}",
        }
        for match in tickets
    ]
    return JsonResponse({"items": items})
