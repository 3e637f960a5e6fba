"""What a ticket is: status, priority, assignee, team, category, tags, custom fields.

Each form answers a whole page, or its own fragment to htmx: 422 when it was refused.
"""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.core.forms import Form
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import FieldsForm, PropertiesForm, TagsForm
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services
from appliance.web.ticket_page import TicketPage
from appliance.web.views.tickets import page


@require_POST
@agents_only
def update(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Write what was changed on the page, and nothing that somebody else changed meanwhile."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = PropertiesForm(request.POST, ticket=ticket, viewer=request.user)
    if form.is_valid():
        form.attempt(_apply, request=request, ticket=ticket, form=form)
    if form.errors:
        ticket.refresh_from_db()
        form.show_current()
    return answer(request, ticket, "properties", form)


@transaction.atomic
def _apply(*, request: HttpRequest, ticket: Ticket, form: PropertiesForm) -> None:
    tickets_services.require_unchanged(
        ticket=ticket, shown=form.shown_values(), changes=form.changed_values()
    )
    by, data, changed = request.user, form.cleaned_data, set(form.changed_data)
    verbs = {
        "priority": tickets_services.set_priority,
        "category": triage_services.correct_category,
        "team": tickets_services.set_team,
        "assignee": tickets_services.assign,
    }
    for name, verb in verbs.items():
        if name in changed:
            verb(ticket=ticket, by=by, **{name: data[name]})
    if until := form.hold_until():
        tickets_services.hold_ticket(ticket=ticket, until=until, by=by)
    elif "status" in changed:
        tickets_services.set_status(ticket=ticket, status=data["status"], by=by)


@require_POST
@agents_only
def take(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """The ticket is mine now."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    tickets_services.assign(ticket=ticket, assignee=request.user, by=request.user)
    return answer(request, ticket, "properties", None)


@require_POST
@agents_only
def tags(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = TagsForm(request.POST)
    if form.is_valid():
        form.attempt(tickets_services.set_tags, ticket=ticket, names=form.names(), by=request.user)
    return answer(request, ticket, "tags", form)


@require_POST
@agents_only
def fields(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = FieldsForm(request.POST, ticket=ticket, viewer=request.user)
    if form.is_valid():
        values = form.changed_values()
        form.attempt(tickets_services.set_fields, ticket=ticket, values=values, by=request.user)
    return answer(request, ticket, "fields", form)


def answer(
    request: AuthenticatedRequest, ticket: Ticket, name: str, form: Form | None
) -> HttpResponse:
    """The page again, or to htmx the fragment ``name`` with a word about what became of it."""
    refused = form is not None and bool(form.errors)
    if not request.htmx:
        return page(request, ticket, **{name: form}) if refused else redirect("ticket", ticket.pk)
    shown = TicketPage(request.user, ticket, forms={name: form} if refused else {})
    context = shown.head() | shown.properties() | {"part": name, "refused": refused}
    response = render(request, "web/_saved.html", context, status=422 if refused else 200)
    if not refused:
        response["HX-Trigger"] = "ticket-changed"
    return response
