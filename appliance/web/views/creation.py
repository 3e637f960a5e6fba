"""A new ticket, and what helps to write it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, User
from appliance.accounts.permissions import (
    AuthenticatedRequest,
    agents_only,
    limited_while_typing,
)
from appliance.tickets.forms import TicketForCustomerForm, TicketForm
from appliance.tickets.models import Channel, Priority, Ticket
from appliance.triage import services as triage_services
from appliance.triage import suggestions
from appliance.triage.incidents import KnownProblem, list_known_problems
from appliance.triage.models import Incident
from appliance.triage.queries import SimilarTicket
from appliance.web import queries, services
from appliance.web.known_problems import read_new_ticket


@dataclass(frozen=True)
class FormSuggestions:
    """Articles that may answer what is being typed, and open tickets that may say the same."""

    suggestions: Sequence[suggestions.SuggestedArticle]
    duplicates: Sequence[SimilarTicket]
    unconfirmed_email: str = ""  # of a log-in nobody has confirmed, which will not see the ticket
    namesakes: Sequence[Customer] = ()  # of a caller without an address
    is_searched: bool = False  # enough is typed to look for articles
    known_problems: Sequence[KnownProblem] = ()


@dataclass(frozen=True, kw_only=True)
class NewTicketPage(FormSuggestions):
    form: TicketForm


@require_http_methods(["GET", "POST"])
@login_required
def create(request: AuthenticatedRequest) -> HttpResponse:
    form_class = TicketForCustomerForm if request.user.is_agent else TicketForm
    initial = {"customer": request.GET.get("customer", "")[:9]}
    typed = read_new_ticket(request)
    form = form_class(
        typed.data or None, request.FILES or None, viewer=request.user, initial=initial
    )
    if "customer_email" in form.fields:
        form.set_completion("customer_email", "whole", url=reverse("find-customers"))
    is_ready = form.is_valid() and not typed.unseen
    if is_ready and (ticket := _submit(form, request.user, typed.incident)):
        triage_services.annotate_soon(ticket.pk)
        messages.success(request, _("Ticket %s created.") % ticket.number)
        return redirect("ticket", ticket.pk)
    helpers = _list_suggestions(request)
    page = NewTicketPage(**vars(helpers), form=form)
    return render(request, "web/create.html", vars(page), status=400 if form.errors else 200)


def _submit(form: TicketForm, by: User, incident: Incident | None) -> Ticket | None:
    form.attempt(accounts_services.check_person_rate, person=by)
    if form.errors:
        return None
    return form.attempt(_create_ticket, form=form, by=by, incident=incident)


def _create_ticket(*, form: TicketForm, by: User, incident: Incident | None) -> Ticket:
    data = form.cleaned_data
    return services.create_ticket(
        by=by,
        customer=getattr(form, "chosen_customer", None),
        email=data.get("customer_email", ""),
        name=data.get("customer_name", ""),
        subject=data["subject"],
        description=data["description"],
        priority=data.get("priority", Priority.NORMAL),
        channel=data.get("channel", Channel.PORTAL),
        fields=form.custom_values(),
        files=data["files"],
        incident=incident,
        idempotency_key=data["idempotency_key"],
    )


@require_POST
@login_required
@limited_while_typing
def suggest(request: AuthenticatedRequest) -> HttpResponse:
    """Return suggestions for the ticket that is being typed."""
    context = vars(_list_suggestions(request)) | {"oob": True}
    return render(request, "web/_form_suggestions.html", context)


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
    known_problems = list_known_problems(subject, description)
    is_searched = bool(suggestions.clean_typed_text(subject, description))
    if not request.user.is_agent:
        return FormSuggestions(
            articles, duplicates, is_searched=is_searched, known_problems=known_problems
        )
    email, name = _typed(request, "customer_email"), _typed(request, "customer_name")
    unconfirmed = accounts_queries.find_unconfirmed_login(email=email) if "@" in email else None
    namesakes = [] if email else queries.find_namesakes(request.user, name)
    return FormSuggestions(
        articles,
        duplicates,
        unconfirmed.email if unconfirmed else "",
        namesakes,
        is_searched=is_searched,
        known_problems=known_problems,
    )


def _find_requester(request: AuthenticatedRequest) -> Customer | None:
    """Return the customer the ticket will belong to, as far as the form says."""
    if not request.user.is_agent:
        return accounts_queries.find_customer_of(request.user)
    email = _typed(request, "customer_email")
    return accounts_queries.find_customer(email=email) if "@" in email else None


def _typed(request: AuthenticatedRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()
