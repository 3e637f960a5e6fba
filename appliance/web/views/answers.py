"""What is said on a ticket: answers, notes, drafts, previews, ratings."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from appliance.core.forms import Form
from appliance.core.markdown import render as markdown
from appliance.core.types import read_number
from appliance.knowledge.queries import access_article
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import AgentReplyForm, RatingForm, ReplyForm
from appliance.tickets.models import Message, Ticket
from appliance.web.article_page import content
from appliance.web.ticket_page import TicketPage
from appliance.web.views.tickets import page


@require_POST
@login_required
def reply(request: HttpRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form_class = AgentReplyForm if request.user.is_agent else ReplyForm
    form = form_class(request.POST, request.FILES or None)
    sent = form.is_valid() and _send(request, ticket, form)
    if sent:
        return redirect(f"{reverse('ticket', args=[ticket.pk])}#message-{sent.pk}")
    seen = form.cleaned_data.get("seen_message")
    form.show_newest(TicketPage(request.user, ticket).newest_message)
    return page(request, ticket, refused_since=seen, reply=form)


def _send(request: HttpRequest, ticket: Ticket, form: Form) -> Message | None:
    data = form.cleaned_data
    said = {name: data[name] for name in ("body", "files", "idempotency_key")}
    if data.get("kind") == Message.Kind.NOTE:
        return form.attempt(tickets_services.add_note, ticket=ticket, by=request.user, **said)
    return form.attempt(
        tickets_services.reply,
        ticket=ticket,
        by=request.user,
        status=data.get("leave"),
        seen_message_id=data.get("seen_message"),
        **said,
    )


@require_POST
@login_required
def discard_draft(request: HttpRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    tickets_services.discard_draft(ticket=ticket, by=request.user)
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#reply")


@require_POST
@login_required
def preview(request: HttpRequest) -> HttpResponse:
    """The HTML a text will be shown as; of an article, with its pictures."""
    text, article_id = request.POST.get("text", ""), request.GET.get("article", "")
    if not article_id:
        return HttpResponse(markdown(text))
    article = access_article(request.user, read_number(article_id) or 0)
    return HttpResponse(content(article, [*article.files.select_related("file")], text))


@require_POST
@login_required
def rate(request: HttpRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = RatingForm(request.POST)
    if form.is_valid():
        form.attempt(
            tickets_services.rate_ticket, ticket=ticket, by=request.user, **form.cleaned_data
        )
    if form.errors:
        return page(request, ticket, rating=form)
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#rating")
