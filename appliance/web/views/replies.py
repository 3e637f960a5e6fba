"""What is said on a ticket: answers, notes, drafts, previews, ratings."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.core.forms import Form
from appliance.core.markdown import render as markdown
from appliance.core.types import read_number
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge.queries import access_article
from appliance.tickets import presence as present
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import AgentReplyForm, DraftForm, RatingForm, ReplyForm
from appliance.tickets.models import Message, Ticket
from appliance.triage import services as triage_services
from appliance.web.article_page import content
from appliance.web.ticket_page import TicketPage
from appliance.web.views.tickets import evidence_of, page


@require_POST
@login_required
def reply(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form_class = AgentReplyForm if request.user.is_agent else ReplyForm
    form = form_class(request.POST, request.FILES or None)
    sent = form.is_valid() and _send(request, ticket, form)
    if sent:
        return redirect(f"{reverse('ticket', args=[ticket.pk])}#message-{sent.pk}")
    seen = form.cleaned_data.get("seen_message")
    form.show_newest(TicketPage(request.user, ticket).newest_message)
    return page(request, ticket, refused_since=seen, reply=form)


def _send(request: AuthenticatedRequest, ticket: Ticket, form: Form) -> Message | None:
    data = form.cleaned_data
    values = {name: data[name] for name in ("body", "files", "idempotency_key")}
    if data.get("kind") == Message.Kind.NOTE:
        return form.attempt(tickets_services.add_note, ticket=ticket, by=request.user, **values)
    return form.attempt(
        tickets_services.reply,
        ticket=ticket,
        by=request.user,
        status=data.get("leave"),
        seen_message_id=data.get("seen_message"),
        **values,
    )


@require_POST
@login_required
def discard_draft(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    tickets_services.discard_draft(ticket=ticket, by=request.user)
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#reply")


@require_POST
@login_required
def preview(request: AuthenticatedRequest) -> HttpResponse:
    """The HTML a text will be shown as; of an article, with its pictures."""
    text, article_id = request.POST.get("text", ""), request.GET.get("article", "")
    if not article_id:
        return HttpResponse(markdown(text))
    article = access_article(request.user, read_number(article_id) or 0)
    return HttpResponse(content(article, [*article.files.select_related("file")], text))


@require_POST
@login_required
def rate(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = RatingForm(request.POST)
    if form.is_valid():
        form.attempt(
            tickets_services.rate_ticket, ticket=ticket, by=request.user, **form.cleaned_data
        )
    if form.errors:
        return page(request, ticket, rating=form)
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#rating")


NOTHING = 204
MAX_CHARACTERS = 40  # of what is looked for


@require_POST
@agents_only
def presence(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Says that the viewer is here (``is_writing``), and shows who else is; 204 when nobody."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    present.mark_present(request.user, ticket, is_writing=request.POST.get("is_writing") == "1")
    others = present.list_others(request.user, ticket)
    if not others:
        return HttpResponse(status=NOTHING)
    return render(request, "web/_presence.html", {"others": others})


@require_POST
@login_required
def draft(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = DraftForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=400)
    tickets_services.save_draft(ticket=ticket, by=request.user, **form.cleaned_data)
    return HttpResponse(status=NOTHING)


@require_safe
@agents_only
def mentionable(request: AuthenticatedRequest, ticket_id: int) -> JsonResponse:
    """Colleagues who may be meant by what was typed after @."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    rows = tickets_queries.list_mentionable(request.user, ticket, _requested(request))
    return JsonResponse({"people": [{"name": str(who), "handle": at} for who, at in rows]})


@require_safe
@agents_only
def tags(request: AuthenticatedRequest) -> JsonResponse:
    rows = tickets_queries.list_tags(request.user, _requested(request))
    return JsonResponse({"tags": [tag.name for tag in rows]})


def _requested(request: AuthenticatedRequest) -> str:
    return request.GET.get("q", "").replace("\0", "")[:MAX_CHARACTERS].strip()


@require_POST
@agents_only
def dismiss_suggestion(
    request: AuthenticatedRequest, ticket_id: int, article_id: int
) -> HttpResponse:
    """The next best one takes its place."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    article = knowledge_queries.access_article(request.user, article_id)
    triage_services.dismiss_suggestion(ticket=ticket, article=article, by=request.user)
    return _answer(request, ticket, just_refused=article.pk)


@require_POST
@agents_only
def undo_dismissal(request: AuthenticatedRequest, ticket_id: int, article_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    article = knowledge_queries.access_article(request.user, article_id)
    triage_services.undo_dismissal(ticket=ticket, article=article, by=request.user)
    return _answer(request, ticket)


def _answer(request: AuthenticatedRequest, ticket: Ticket, **more: object) -> HttpResponse:
    if request.htmx:
        return evidence_of(request, ticket, **more)
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#articles")
