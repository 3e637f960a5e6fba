"""People on a ticket besides its customer: participants, and those a ticket is forwarded to."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.core.types import read_number
from appliance.notifications import queries as notifications_queries
from appliance.notifications import services as notifications_services
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import ParticipantsForm
from appliance.web import queries
from appliance.web.forms import ForwardForm
from appliance.web.ticket_page import TicketForms
from appliance.web.views.tickets import form_response


@require_POST
@agents_only
def add(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = ParticipantsForm(request.POST)
    if form.is_valid():
        form.attempt(
            tickets_services.add_participants,
            ticket=ticket,
            by=request.user,
            people=form.cleaned_data["cc"],
        )
    return form_response(request, ticket, "participants", TicketForms(participants=form))


@require_POST
@agents_only
def remove(request: AuthenticatedRequest, ticket_id: int, participant_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    participant = tickets_queries.access_participant(request.user, ticket, participant_id)
    tickets_services.remove_participant(participant=participant, by=request.user)
    return form_response(request, ticket, "participants")


@require_http_methods(["GET", "POST"])
@agents_only
def forward(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Write an e-mail to somebody outside, with a message of the ticket to begin with."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    message_id = read_number(request.GET.get("message", ""))
    attachments = queries.list_all_attachments(request.user, ticket)
    form = ForwardForm(
        request.POST if request.method == "POST" else None,
        attachments=attachments,
        initial={"body": queries.forwarded_text(request.user, ticket, message_id)},
    )
    if form.is_valid():
        forwarded = form.attempt(
            notifications_services.forward_ticket,
            ticket=ticket,
            by=request.user,
            **form.values(),
        )
        if forwarded:
            messages.success(
                request, _("The ticket was forwarded to %(to)s.") % {"to": forwarded.address}
            )
            return redirect(f"{reverse('ticket', args=[ticket.pk])}#message-{forwarded.message_id}")
    context = {"ticket": ticket, "form": form, "has_smtp": notifications_queries.has_smtp()}
    return render(request, "web/forward.html", context, status=400 if form.errors else 200)
