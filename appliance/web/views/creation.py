"""A new ticket, and what helps to write it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, User
from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import TicketForCustomerForm, TicketForm
from appliance.tickets.models import Priority, Ticket
from appliance.triage import services as triage_services
from appliance.triage import suggestions
from appliance.triage.queries import SimilarTicket
from appliance.web import queries


@dataclass(frozen=True)
class FormSuggestions:
    """Articles that may answer what is being typed, and open tickets that may say the same."""

    suggestions: Sequence[suggestions.SuggestedArticle]
    duplicates: Sequence[SimilarTicket]


@dataclass(frozen=True)
class NewTicketPage(FormSuggestions):
    form: TicketForm


@require_http_methods(["GET", "POST"])
@login_required
def create(request: AuthenticatedRequest) -> HttpResponse:
    form_class = TicketForCustomerForm if request.user.is_agent else TicketForm
    form = form_class(request.POST or None, request.FILES or None, viewer=request.user)
    if request.user.is_agent:
        form.set_completion("customer_email", "whole", url=reverse("find-customers"))
    if form.is_valid() and (ticket := form.attempt(_create_ticket, form=form, by=request.user)):
        triage_services.annotate_soon(ticket.pk)
        messages.success(request, _("Ticket %s created.") % ticket.number)
        return redirect("ticket", ticket.pk)
    helpers = _list_suggestions(request)
    page = NewTicketPage(helpers.suggestions, helpers.duplicates, form)
    return render(request, "web/create.html", vars(page), status=400 if form.errors else 200)


@transaction.atomic
def _create_ticket(*, form: TicketForm, by: User) -> Ticket:
    """Create the ticket and the job that will classify it in one transaction."""
    data = form.cleaned_data
    email = data.get("customer_email")
    ticket = tickets_services.create_ticket(
        customer=accounts_services.ensure_customer(email=email, first_name=data["customer_name"])
        if email
        else accounts_services.ensure_customer_of(by),
        subject=data["subject"],
        description=data["description"],
        priority=data.get("priority", Priority.NORMAL),
        fields=form.custom_values(),
        files=data["files"],
        by=by,
        idempotency_key=data["idempotency_key"],
    )
    triage_services.queue_annotation(ticket)
    return ticket


@require_POST
@login_required
def suggest(request: AuthenticatedRequest) -> HttpResponse:
    """Return suggestions for the ticket that is being typed."""
    return render(request, "web/_form_suggestions.html", vars(_list_suggestions(request)))


@require_safe
@agents_only
def find_customers(request: AuthenticatedRequest) -> HttpResponse:
    """Return customers by name or address, for the completion of a field."""
    customers = queries.find_customers(request.user, request.GET.get("q", ""))
    items = [
        {
            "text": customer.email,
            "label": customer.full_name or customer.email,
            "note": customer.email,
        }
        for customer in customers
    ]
    return JsonResponse({"items": items})


def _list_suggestions(request: AuthenticatedRequest) -> FormSuggestions:
    subject, description = (request.POST.get(name, "") for name in ("subject", "description"))
    requester = _find_requester(request)
    duplicates = (
        suggestions.list_probable_duplicates(request.user, requester, subject, description)
        if requester
        else []
    )
    articles = suggestions.suggest_for_text(request.user, subject, description)
    return FormSuggestions(articles, duplicates)


def _find_requester(request: AuthenticatedRequest) -> Customer | None:
    """Return the customer the ticket will belong to, as far as the form says."""
    if not request.user.is_agent:
        return accounts_queries.find_customer_of(request.user)
    email = request.POST.get("customer_email", "").replace("\0", "")
    return accounts_queries.find_customer(email=email) if "@" in email else None
