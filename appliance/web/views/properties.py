"""What a ticket is: status, priority, assignee, team, category, tags, subject, customer."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.models import User
from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import CorrectionForm, FieldsForm, PropertiesForm, TagsForm
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services
from appliance.web import services, ticket_list
from appliance.web.forms import MAX_ADDRESS, ConfirmCategoryForm
from appliance.web.ticket_page import TicketForms
from appliance.web.views.tickets import analysis_response, form_response


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
    if "language" in changed:
        tickets_services.set_language(ticket=ticket, language=data["language"], by=by)
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
def confirm_category(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Confirm a predicted category; ``address`` is that of the list if the button was there."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = ConfirmCategoryForm(request.POST)
    if form.is_valid():
        form.attempt(
            triage_services.confirm_category,
            ticket=ticket,
            category=form.cleaned_data["category"],
            by=request.user,
        )
    error = " ".join(str(text) for texts in form.errors.values() for text in texts)
    is_in_list = "address" in request.POST
    if request.htmx and is_in_list:
        return HttpResponse(ticket_list.render_category(request.user, ticket.pk, error=error))
    if request.htmx:
        ticket.refresh_from_db()
        response = analysis_response(request, ticket, category_error=error)
        response["HX-Trigger"] = "ticket-changed"
        return response
    if error:
        messages.error(request, error)
    if is_in_list:
        return redirect(_list_url(request.POST["address"]))
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#classification")


def _list_url(query_string: str) -> str:
    address = QueryDict(query_string[:MAX_ADDRESS], mutable=True)
    address.pop("bulk", None)
    return f"{reverse('dashboard')}?{address.urlencode()}"


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


@require_http_methods(["GET", "POST"])
@agents_only
def correct(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Correct the subject, the customer and the channel."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = CorrectionForm(request.POST or None, ticket=ticket)
    form.set_completion("customer_email", "whole", url=reverse("find-customers"))
    if form.is_valid():
        form.attempt(_correct, ticket=ticket, form=form, by=request.user)
        if not form.errors:
            messages.success(request, _("Ticket %s saved.") % ticket.number)
            return redirect("ticket", ticket.pk)
        ticket.refresh_from_db()
        form.show_current()
    context = {"form": form, "ticket": ticket}
    return render(request, "web/correct.html", context, status=400 if form.errors else 200)


@transaction.atomic
def _correct(*, ticket: Ticket, form: CorrectionForm, by: User) -> None:
    data, shown = form.cleaned_data, form.shown_values()
    requester = None
    if "customer" in shown:
        requester = services.ensure_requester(
            by=by, email=data["customer_email"], name=data["customer_name"]
        )
    changes = {"subject": data["subject"], "channel": data["channel"], "customer": requester}
    tickets_services.require_unchanged(ticket=ticket, shown=shown, changes=changes)
    if "subject" in shown:
        tickets_services.set_subject(ticket=ticket, subject=data["subject"], by=by)
    if requester:
        tickets_services.set_requester(ticket=ticket, customer=requester, by=by)
    if "channel" in shown:
        tickets_services.set_channel(ticket=ticket, channel=data["channel"], by=by)
