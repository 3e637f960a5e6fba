"""Incidents: decide a proposal, join one, announce it, and answer its tickets together."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import services as accounts_services
from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.accounts.security import client_address
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import incidents
from appliance.triage import services as triage_services
from appliance.triage.models import Incident
from appliance.web.forms import AcceptIncidentForm, NoticeForm
from appliance.web.ticket_page import TicketForms
from appliance.web.views.tickets import ticket_page


@require_http_methods(["GET", "POST"])
@agents_only
def review(request: AuthenticatedRequest, incident_id: int) -> HttpResponse:
    """Show the tickets of a proposal, and make those that are ticked parts of a parent."""
    proposal = incidents.access_proposal(request.user, incident_id)
    data = request.POST if request.method == "POST" else None
    form = AcceptIncidentForm(data, viewer=request.user, proposal=proposal)
    if form.is_valid():
        parent = form.attempt(
            triage_services.accept_incident,
            proposal=proposal,
            ticket_ids=form.ticket_ids(),
            parent=form.chosen_parent(),
            by=request.user,
        )
        if parent:
            messages.success(request, _("The tickets are part of %s now.") % parent.number)
            return _to_panel(parent)
    context = {"proposal": proposal, "form": form, "chosen": form.shown_ids()}
    return render(request, "web/incident.html", context, status=400 if form.errors else 200)


@require_POST
@agents_only
def dismiss(request: AuthenticatedRequest, incident_id: int) -> HttpResponse:
    proposal = incidents.access_proposal(request.user, incident_id)
    triage_services.dismiss_incident(proposal=proposal, by=request.user)
    messages.success(request, _("Nothing similar is proposed as an incident for a day."))
    return redirect("dashboard")


@require_POST
@agents_only
def undo_acceptance(request: AuthenticatedRequest, incident_id: int) -> HttpResponse:
    incident = incidents.access_open_incident(request.user, incident_id)
    try:
        triage_services.undo_acceptance(incident=incident, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
        return redirect("ticket", incident.parent_id)
    return redirect("incident", incident.pk)


@require_POST
@agents_only
def join(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Make the ticket part of the incident it was offered to, or decline that."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    incident = _offered_incident(request, ticket)
    if request.POST.get("answer") == "no":
        triage_services.decline_offer(incident=incident, ticket=ticket, by=request.user)
        return _to_panel(_shown_ticket(request, ticket))
    try:
        triage_services.join_incident(incident=incident, ticket=ticket, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
    return _to_panel(_shown_ticket(request, ticket))


def _offered_incident(request: AuthenticatedRequest, ticket: Ticket) -> Incident:
    incident = incidents.find_offer_of(request.user, ticket)
    if incident is None:
        raise Http404
    return incident


def _shown_ticket(request: AuthenticatedRequest, ticket: Ticket) -> Ticket:
    """Return the ticket whose page the form was on: its own, or that of the parent."""
    parent = tickets_queries.find_parent(request.user, ticket)
    if parent and request.POST.get("page") == str(parent.pk):
        return parent
    return ticket


@require_POST
@agents_only
def publish_notice(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = NoticeForm(request.POST)
    if form.is_valid():
        form.attempt(
            triage_services.publish_notice,
            parent=ticket,
            notice=form.cleaned_data["notice"],
            by=request.user,
        )
    if form.errors:
        return ticket_page(request, ticket, TicketForms(notice=form))
    return _to_panel(ticket)


@require_POST
@agents_only
def solve_children(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    try:
        tickets_services.solve_children(parent=ticket, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
    return _to_panel(ticket)


@require_safe
@agents_only
def child_update(request: AuthenticatedRequest, update_id: UUID) -> HttpResponse:
    """Return how far a reply to all is, for the page that waits for it."""
    update = tickets_queries.access_child_update(request.user, update_id)
    context = {
        "update": update,
        "skipped": tickets_queries.list_visible_skips(request.user, update),
    }
    return render(request, "web/_child_update.html", context)


@require_POST
@agents_only
def undo_child_update(request: AuthenticatedRequest, update_id: UUID) -> HttpResponse:
    update = tickets_queries.access_child_update(request.user, update_id)
    try:
        tickets_services.undo_child_update(update=update, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('ticket', args=[update.parent_id])}#reply")


@require_POST
def known_problems(request: HttpRequest) -> HttpResponse:
    """Return what is known about the request that a guest is typing."""
    if request.user.is_authenticated:
        return redirect("create-ticket")
    if not core_queries.site_settings().is_guest_form_open:
        raise Http404
    accounts_services.check_rate_limit(scope="typing-guest", ip_address=client_address(request))
    context = {"known_problems": list_typed_problems(request), "form_id": "ask-form"}
    return render(request, "web/_known_problems.html", context)


def list_typed_problems(request: HttpRequest) -> list[incidents.KnownProblem]:
    """Return the known problems that the text of a form is about."""
    subject, description = (request.POST.get(name, "") for name in ("subject", "description"))
    return incidents.list_known_problems(subject, description)


def _to_panel(ticket: Ticket) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('ticket', args=[ticket.pk])}#incident")
