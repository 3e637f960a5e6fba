"""What a ticket is: status, priority, assignee, team, category, tags, custom fields."""

from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from appliance.accounts.models import User
from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import FieldsForm, PropertiesForm, TagsForm
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services
from appliance.web.ticket_page import TicketForms
from appliance.web.views.tickets import form_response


@require_POST
@agents_only
def update(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Write what was changed on the page, and nothing that somebody else changed meanwhile."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = PropertiesForm(request.POST, ticket=ticket, viewer=request.user)
    if form.is_valid():
        form.attempt(_apply, ticket=ticket, form=form, by=request.user)
    if form.errors:
        ticket.refresh_from_db()
        form.show_current()
    return form_response(request, ticket, "properties", TicketForms(properties=form))


@transaction.atomic
def _apply(*, ticket: Ticket, form: PropertiesForm, by: User) -> None:
    tickets_services.require_unchanged(
        ticket=ticket, shown=form.shown_values(), changes=form.changed_values()
    )
    data, changed = form.cleaned_data, set(form.changed_data)
    # whom a ticket can be given to depends on its team, solving on its category
    if "priority" in changed:
        tickets_services.set_priority(ticket=ticket, priority=data["priority"], by=by)
    if "category" in changed:
        triage_services.correct_category(ticket=ticket, category=data["category"], by=by)
    if "team" in changed:
        tickets_services.set_team(ticket=ticket, team=data["team"], by=by)
    if "assignee" in changed:
        tickets_services.assign(ticket=ticket, assignee=data["assignee"], by=by)
    if form.is_put_on_hold():
        tickets_services.hold_ticket(ticket=ticket, until=form.hold_until(), by=by)
    elif "status" in changed:
        tickets_services.set_status(ticket=ticket, status=data["status"], by=by)


@require_POST
@agents_only
def take(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Assign the ticket to the viewer."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    tickets_services.assign(ticket=ticket, assignee=request.user, by=request.user)
    return form_response(request, ticket, "properties")


@require_POST
@agents_only
def tags(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = TagsForm(request.POST)
    if form.is_valid():
        form.attempt(tickets_services.set_tags, ticket=ticket, names=form.names(), by=request.user)
    return form_response(request, ticket, "tags", TicketForms(tags=form))


@require_POST
@agents_only
def fields(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = FieldsForm(request.POST, ticket=ticket, viewer=request.user)
    if form.is_valid():
        form.attempt(
            tickets_services.set_fields,
            ticket=ticket,
            values=form.changed_values(),
            by=request.user,
        )
    return form_response(request, ticket, "fields", TicketForms(fields=form))
