"""A new ticket, and what helps to write it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse, QueryDict
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
from appliance.core.types import read_number
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import TicketForCustomerForm, TicketForm
from appliance.tickets.models import OPEN_STATUSES, Channel, Message, Priority, Ticket
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
    requester_id: int | None = None  # the customer the ticket will belong to, if there is one


@dataclass(frozen=True, kw_only=True)
class NewTicketPage(FormSuggestions):
    form: TicketForm


@require_http_methods(["GET", "POST"])
@login_required
def create(request: AuthenticatedRequest) -> HttpResponse:
    typed = read_new_ticket(request)
    form = _ticket_form(request, typed.data)
    is_ready = form.is_valid() and not typed.unseen
    if is_ready and (ticket := _submit(form, request.user, typed.incident)):
        triage_services.annotate_soon(ticket.pk)
        messages.success(request, _("Ticket %s created.") % ticket.number)
        return redirect("ticket", ticket.pk)
    return _new_ticket_page(request, form)


def _ticket_form(request: AuthenticatedRequest, data: QueryDict | None) -> TicketForm:
    form_class = TicketForCustomerForm if request.user.is_agent else TicketForm
    initial = {"customer": request.GET.get("customer", "")[:9]}
    form = form_class(data or None, request.FILES or None, viewer=request.user, initial=initial)
    if "customer_email" in form.fields:
        form.set_completion("customer_email", "whole", url=reverse("find-customers"))
    return form


def _new_ticket_page(request: AuthenticatedRequest, form: TicketForm) -> HttpResponse:
    page = NewTicketPage(**vars(_list_suggestions(request)), form=form)
    return render(request, "web/create.html", vars(page), status=400 if form.errors else 200)


@require_POST
@login_required
def add_to_ticket(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Carry what was typed for a new ticket over to an open one that says the same.

    The text becomes a draft there: a customer's reply, or an agent's note of what the customer
    said. A draft holds no files, so with files it is sent.
    """
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = _ticket_form(request, request.POST)
    for field in form.fields.values():  # an unfinished text is finished there
        field.required = False
    if ticket.status not in OPEN_STATUSES:
        text = _("%s is no longer open. Submit this as a new ticket.")
        form.add_error(None, text % ticket.number)
    elif form.is_valid() and form.typed_text() and (url := _carry_over(form, ticket, request.user)):
        return redirect(url)
    return _new_ticket_page(request, form)


def _carry_over(form: TicketForm, ticket: Ticket, by: User) -> str:
    """Return where to go on, or an empty text after a refusal, which is among the form's errors."""
    text, key, files = form.typed_text(), form.key(), form.cleaned_data["files"]
    url = reverse("ticket", args=[ticket.pk])
    if not files:
        kind = Message.Kind.NOTE if by.is_agent else Message.Kind.REPLY
        tickets_services.save_draft(ticket=ticket, by=by, kind=kind, body=text, draft_key=key)
        return f"{url}#reply"
    message = form.attempt(_send, ticket=ticket, by=by, body=text, files=files, key=key)
    return f"{url}#message-{message.pk}" if message else ""


def _send(
    *, ticket: Ticket, by: User, body: str, files: Sequence[UploadedFile], key: UUID
) -> Message:
    accounts_services.check_person_rate(by)
    add = tickets_services.add_note if by.is_agent else tickets_services.reply
    return add(ticket=ticket, by=by, body=body, files=files, idempotency_key=key)


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
    duplicates = suggestions.list_probable_duplicates(request.user, requester, subject, description)
    requester_id = requester.pk if requester else None
    articles = suggestions.suggest_for_text(request.user, subject, description)
    known_problems = list_known_problems(subject, description)
    is_searched = bool(suggestions.clean_typed_text(subject, description))
    if not request.user.is_agent:
        return FormSuggestions(
            articles,
            duplicates,
            is_searched=is_searched,
            known_problems=known_problems,
            requester_id=requester_id,
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
        requester_id=requester_id,
    )


def _find_requester(request: AuthenticatedRequest) -> Customer | None:
    """Return the customer the ticket will belong to, as far as the form says."""
    if not request.user.is_agent:
        return accounts_queries.find_customer_of(request.user)
    chosen_id = read_number(_typed(request, "customer"), digits=9)
    if chosen_id is not None:
        return accounts_queries.find_customer_to_choose(chosen_id)
    email = _typed(request, "customer_email")
    return accounts_queries.find_customer(email=email) if "@" in email else None


def _typed(request: AuthenticatedRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()
