"""A new ticket, and what helps while it is written."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer
from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.core.forms import Form
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import TicketForCustomerForm, TicketForm
from appliance.tickets.models import Priority, Ticket
from appliance.triage import services as triage_services
from appliance.triage import suggestions
from appliance.web import autocomplete_attrs
from appliance.web.queries import autocomplete


@require_http_methods(["GET", "POST"])
@login_required
def create(request: AuthenticatedRequest) -> HttpResponse:
    form_class = TicketForCustomerForm if request.user.is_agent else TicketForm
    form = form_class(request.POST or None, request.FILES or None, viewer=request.user)
    if request.user.is_agent:
        autocomplete_attrs.complete_field(form, "customer_email", reverse("find-customers"))
    if form.is_valid() and (ticket := form.attempt(_open, request=request, form=form)):
        triage_services.annotate_soon(ticket.pk)
        messages.success(request, _("Ticket %s created.") % ticket.number)
        return redirect("ticket", ticket.pk)
    context = {"form": form, **_helps(request)}
    return render(request, "web/create.html", context, status=400 if form.errors else 200)


@transaction.atomic
def _open(*, request: HttpRequest, form: Form) -> Ticket:
    """The ticket and the job that will sort it, committed together."""
    data = form.cleaned_data
    ticket = tickets_services.create_ticket(
        customer=_customer(request, data),
        subject=data["subject"],
        description=data["description"],
        priority=data.get("priority", Priority.NORMAL),
        fields=form.custom_values(),
        files=data["files"],
        by=request.user,
        idempotency_key=data["idempotency_key"],
    )
    triage_services.queue_annotation(ticket)
    return ticket


def _customer(request: AuthenticatedRequest, data: dict) -> Customer:
    email = data.get("customer_email")
    if not email:
        return accounts_services.ensure_customer_of(request.user)
    return accounts_services.ensure_customer(email=email, first_name=data["customer_name"])


@require_POST
@login_required
def suggest(request: AuthenticatedRequest) -> HttpResponse:
    """Articles that may answer what is being typed, and tickets that may ask the same."""
    return render(request, "web/_form_suggestions.html", _helps(request))


@require_safe
@agents_only
def find_customers(request: AuthenticatedRequest) -> HttpResponse:
    """Who the caller may be, for the type-ahead."""
    customers = autocomplete.find_customers(request.user, request.GET.get("q", ""))
    items = [
        {"text": row.email, "label": row.full_name or row.email, "note": row.email}
        for row in customers
    ]
    return JsonResponse({"items": items})


def _helps(request: AuthenticatedRequest) -> dict:
    subject, description = (request.POST.get(name, "") for name in ("subject", "description"))
    asker = _asker(request)
    rows = (
        suggestions.list_probable_duplicates(request.user, asker, subject, description)
        if asker
        else []
    )
    articles = suggestions.suggest_for_text(request.user, subject, description)
    return {"suggestions": articles, "duplicates": rows}


def _asker(request: AuthenticatedRequest) -> Customer | None:
    """Whose ticket it will be, as far as the form says."""
    if not request.user.is_agent:
        return accounts_queries.find_customer_of(request.user)
    email = request.POST.get("customer_email", "").replace("\0", "")
    return accounts_queries.find_customer(email=email) if "@" in email else None
