"""A ticket: created, read, answered, changed."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import services as accounts
from appliance.accounts.models import Customer
from appliance.core.forms import Form
from appliance.desk.access import agents_only
from appliance.tickets import queries, services
from appliance.tickets.forms import (
    AgentReplyForm,
    PropertiesForm,
    ReplyForm,
    TicketForCustomerForm,
    TicketForm,
)
from appliance.tickets.models import Priority, Ticket
from appliance.triage import queries as triage
from appliance.triage import services as sorting


@require_http_methods(["GET", "POST"])
@login_required
def create(request: HttpRequest) -> HttpResponse:
    form_class = TicketForCustomerForm if request.user.is_agent else TicketForm
    form = form_class(request.POST or None)
    if form.is_valid() and (ticket := form.attempt(_open, request=request, form=form)):
        sorting.annotate_soon(ticket.pk)
        messages.success(request, f"{ticket.number} is with the desk.")
        return redirect("ticket", ticket.pk)
    context = {"form": form, "suggestions": _suggest(request)}
    return render(request, "desk/create.html", context, status=400 if form.errors else 200)


@transaction.atomic
def _open(*, request: HttpRequest, form: Form) -> Ticket:
    """The ticket and the job that will sort it, committed together."""
    data = form.cleaned_data
    ticket = services.open_ticket(
        customer=_customer(request, data),
        subject=data["subject"],
        description=data["description"],
        priority=data.get("priority", Priority.NORMAL),
        by=request.user,
        submission_key=data["submission_key"],
    )
    sorting.queue_annotation(ticket)
    return ticket


def _customer(request: HttpRequest, data: dict) -> Customer:
    email = data.get("customer_email")
    if not email:
        return accounts.ensure_customer_of(request.user)
    return accounts.ensure_customer(email=email, first_name=data["customer_name"])


@require_POST
@login_required
def suggest(request: HttpRequest) -> HttpResponse:
    """The best articles for what is being typed into the form."""
    return render(request, "desk/_form_suggestions.html", {"suggestions": _suggest(request)})


def _suggest(request: HttpRequest) -> list[triage.Suggested]:
    subject, description = (request.POST.get(name, "") for name in ("subject", "description"))
    return triage.suggest_for_text(request.user, subject, description)


@require_safe
@login_required
def show(request: HttpRequest, ticket_id: int) -> HttpResponse:
    return _page(request, queries.access_ticket(request.user, ticket_id))


def _page(request: HttpRequest, ticket: Ticket, **forms: Form) -> HttpResponse:
    reply_form = AgentReplyForm if request.user.is_agent else ReplyForm
    context = {
        "ticket": ticket,
        "reply_form": forms.get("reply") or reply_form(),
        "properties_form": forms.get("properties") or _properties(ticket),
        "events": ticket.events.all() if request.user.is_agent else [],
        **_conversation(request, ticket),
        **_evidence(request, ticket),
    }
    return render(request, "desk/ticket.html", context, status=400 if forms else 200)


def _properties(ticket: Ticket, data: dict | None = None) -> PropertiesForm:
    names = ("status", "priority")
    initial = {name: getattr(ticket, name) for name in names}
    initial |= {"category": ticket.category_id, "assignee": ticket.assignee_id}
    return PropertiesForm(data, initial=initial)


def _conversation(request: HttpRequest, ticket: Ticket) -> dict:
    return {"ticket": ticket, "conversation": queries.list_messages(request.user, ticket)}


def _evidence(request: HttpRequest, ticket: Ticket) -> dict:
    return {
        "ticket": ticket,
        "reading": triage.find_reading(request.user, ticket),
        "suggestions": triage.list_suggestions(request.user, ticket),
        "category_chosen": queries.was_category_chosen(ticket),
        "similar": triage.list_similar_tickets(request.user, ticket),
    }


@require_safe
@login_required
def conversation(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """The conversation again, or 204 when the ticket has not changed since ``seen``."""
    ticket = queries.access_ticket(request.user, ticket_id)
    if request.GET.get("seen") == ticket.updated_at.isoformat():
        return HttpResponse(status=204)
    return render(request, "desk/_conversation.html", _conversation(request, ticket))


@require_safe
@login_required
def evidence(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """What the models said, for a page that was shown before they were done."""
    ticket = queries.access_ticket(request.user, ticket_id)
    return render(request, "desk/_evidence.html", _evidence(request, ticket))


@require_POST
@login_required
def reply(request: HttpRequest, ticket_id: int) -> HttpResponse:
    ticket = queries.access_ticket(request.user, ticket_id)
    form = (AgentReplyForm if request.user.is_agent else ReplyForm)(request.POST)
    if not form.is_valid():
        return _page(request, ticket, reply=form)
    data = form.cleaned_data
    words = {"body": data["body"], "submission_key": data["submission_key"]}
    if data.get("kind") == "note":
        sent = form.attempt(services.add_note, ticket=ticket, by=request.user, **words)
    else:
        sent = form.attempt(
            services.reply, ticket=ticket, by=request.user, status=data.get("leave"), **words
        )
    return redirect("ticket", ticket.pk) if sent else _page(request, ticket, reply=form)


@require_POST
@agents_only
def update(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """Write what was changed on the page, and nothing that somebody else changed meanwhile."""
    ticket = queries.access_ticket(request.user, ticket_id)
    form = _properties(ticket, request.POST)
    if form.is_valid():
        form.attempt(_apply, request=request, ticket=ticket, form=form)
    return _page(request, ticket, properties=form) if form.errors else redirect("ticket", ticket.pk)


@transaction.atomic
def _apply(*, request: HttpRequest, ticket: Ticket, form: PropertiesForm) -> None:
    verbs = {
        "status": services.set_status,
        "priority": services.set_priority,
        "category": sorting.correct_category,
        "assignee": services.assign,
    }
    for name in form.changed_data:
        verbs[name](ticket=ticket, by=request.user, **{name: form.cleaned_data[name]})
