"""What people write on a ticket: replies, notes, drafts, ratings; and what helps them write."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts import services as accounts_services
from appliance.accounts.permissions import (
    AuthenticatedRequest,
    agents_only,
    limited_while_typing,
)
from appliance.core import plain_text
from appliance.core.markdown import render as markdown
from appliance.core.types import read_number
from appliance.knowledge import queries as knowledge_queries
from appliance.tickets import presence as ticket_presence
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import (
    AgentReplyForm,
    DiscardDraftForm,
    DraftForm,
    RatingForm,
    ReplyForm,
)
from appliance.tickets.models import ChildUpdate, Message, Ticket
from appliance.triage import queries as triage_queries
from appliance.triage import services as triage_services
from appliance.web.article_page import render_content
from appliance.web.ticket_page import TicketForms, TicketPageBuilder
from appliance.web.views.tickets import analysis_response, ticket_page

NO_CONTENT = 204
MAX_CHARACTERS = 64  # of a text that is completed
MAX_UNKNOWN_WORDS = 5  # named in a warning
MAX_SHOWN_SENTENCE = 120  # characters, in a warning


@require_POST
@login_required
def reply(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form_class = AgentReplyForm if request.user.is_agent else ReplyForm
    form = form_class(request.POST, request.FILES or None)
    is_for_children = form.is_valid() and _is_for_children(form)
    update = _send_to_children(request, ticket, form) if is_for_children else None
    if update:
        return redirect(f"{reverse('ticket', args=[ticket.pk])}#incident")
    message = _send(request, ticket, form) if not form.errors else None
    if message:
        if message.kind == Message.Kind.NOTE and (text := _unknown_mentions(ticket, message.body)):
            messages.warning(request, text)
        return redirect(f"{reverse('ticket', args=[ticket.pk])}#message-{message.pk}")
    seen_message = form.cleaned_data.get("seen_message")
    form.show_newest(TicketPageBuilder(request.user, ticket).newest_message)
    return ticket_page(request, ticket, TicketForms(reply=form), seen_message=seen_message)


def _is_for_children(form: ReplyForm) -> bool:
    is_note = form.cleaned_data.get("kind") == Message.Kind.NOTE
    return bool(form.cleaned_data.get("is_for_children")) and not is_note


def _send_to_children(
    request: AuthenticatedRequest, ticket: Ticket, form: ReplyForm
) -> ChildUpdate | None:
    form.attempt(accounts_services.check_person_rate, person=request.user)
    if form.errors:
        return None
    data = form.cleaned_data
    return form.attempt(
        tickets_services.reply_to_children,
        parent=ticket,
        by=request.user,
        body=data["body"],
        status=data.get("new_status"),
        files=data["files"],
        cc=data.get("cc") or (),
        seen_message_id=data.get("seen_message"),
        draft_key=data["draft_key"],
        restored_at=data["restored_at"],
        idempotency_key=data["idempotency_key"],
    )


def _unknown_mentions(ticket: Ticket, note: str) -> str:
    """Return a sentence that names the @words of a note that notify nobody, or nothing."""
    words = tickets_queries.find_unknown_mentions(ticket, note)
    if not words:
        return ""
    text = _("Nobody is notified by %(words)s: no agent who can see this ticket has that name.")
    return text % {"words": ", ".join(words[:MAX_UNKNOWN_WORDS])}


def _sent_before(ticket: Ticket, reply: str) -> str:
    """Return a hint if a sentence of the reply has been sent on the ticket before, or nothing."""
    repeated = triage_queries.find_repeated_sentence(ticket, reply)
    if repeated is None:
        return ""
    text = _("Already sent on this ticket on %(date)s: “%(sentence)s”")
    sent_on = date_format(localtime(repeated.sent_at), "SHORT_DATE_FORMAT")
    return text % {"date": sent_on, "sentence": Truncator(repeated.text).chars(MAX_SHOWN_SENTENCE)}


def _send(request: AuthenticatedRequest, ticket: Ticket, form: ReplyForm) -> Message | None:
    form.attempt(accounts_services.check_person_rate, person=request.user)
    if form.errors:
        return None
    data = form.cleaned_data
    if data.get("kind") == Message.Kind.NOTE:
        return form.attempt(
            tickets_services.add_note,
            ticket=ticket,
            by=request.user,
            body=data["body"],
            files=data["files"],
            idempotency_key=data["idempotency_key"],
            draft_key=data["draft_key"],
            restored_at=data["restored_at"],
        )
    return form.attempt(
        tickets_services.reply,
        ticket=ticket,
        by=request.user,
        body=data["body"],
        files=data["files"],
        idempotency_key=data["idempotency_key"],
        draft_key=data["draft_key"],
        restored_at=data["restored_at"],
        status=data.get("new_status"),
        cc=data.get("cc") or (),
        seen_message_id=data.get("seen_message"),
    )


@require_POST
@login_required
def discard_draft(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = DiscardDraftForm(request.POST)
    if form.is_valid():
        tickets_services.discard_draft(ticket=ticket, by=request.user, **form.cleaned_data)
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#reply")


@require_POST
@login_required
@limited_while_typing
def preview(request: AuthenticatedRequest) -> HttpResponse:
    """Return the HTML a text will be shown as; of an article, with its pictures."""
    text, article_id = request.POST.get("text", ""), request.GET.get("article", "")
    if not request.user.is_agent:
        return HttpResponse(plain_text.render(text))
    if not article_id:
        return HttpResponse(markdown(text))
    article = knowledge_queries.access_article(request.user, read_number(article_id) or 0)
    files = list(article.files.select_related("file"))
    return HttpResponse(render_content(article, files, text))


@require_POST
@login_required
def rate(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = RatingForm(request.POST)
    if form.is_valid():
        accounts_services.check_person_rate(request.user)
        form.attempt(
            tickets_services.rate_ticket, ticket=ticket, by=request.user, **form.cleaned_data
        )
    if form.errors:
        return ticket_page(request, ticket, TicketForms(rating=form))
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#rating")


@require_POST
@agents_only
def presence(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Record that the viewer has the ticket open (``is_writing``: and writes), and return who else
    has; 204 when nobody has.
    """
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    ticket_presence.mark_present(
        request.user, ticket, is_writing=request.POST.get("is_writing") == "1"
    )
    others = ticket_presence.list_others(request.user, ticket)
    if not others:
        return HttpResponse(status=NO_CONTENT)
    return render(request, "web/_presence.html", {"others": others})


@require_POST
@login_required
@limited_while_typing
def draft(request: AuthenticatedRequest, ticket_id: int) -> HttpResponse:
    """Store a draft: 204, or a warning to show beside the field."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = DraftForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=400)
    tickets_services.save_draft(ticket=ticket, by=request.user, **form.cleaned_data)
    is_note = form.cleaned_data["kind"] == Message.Kind.NOTE
    warn = _unknown_mentions if is_note else _sent_before
    warning = warn(ticket, form.cleaned_data["body"]) if request.user.is_agent else ""
    return JsonResponse({"warning": warning}) if warning else HttpResponse(status=NO_CONTENT)


@require_safe
@agents_only
def mentionable(request: AuthenticatedRequest, ticket_id: int) -> JsonResponse:
    """Return the colleagues whose handle begins with what was typed after @."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    colleagues = tickets_queries.list_mentionable(request.user, ticket, _typed_text(request))
    return JsonResponse(
        {"people": [{"name": str(person), "handle": handle} for person, handle in colleagues]}
    )


@require_safe
@agents_only
def find_tags(request: AuthenticatedRequest) -> JsonResponse:
    tags = tickets_queries.list_tags(request.user, _typed_text(request))
    return JsonResponse({"tags": [tag.name for tag in tags]})


def _typed_text(request: AuthenticatedRequest) -> str:
    return request.GET.get("q", "").replace("\0", "")[:MAX_CHARACTERS].strip()


@require_POST
@agents_only
def dismiss_suggestion(
    request: AuthenticatedRequest, ticket_id: int, article_id: int
) -> HttpResponse:
    """Dismiss a suggested article; the next best suggestion takes its place."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    article = knowledge_queries.access_article(request.user, article_id)
    triage_services.dismiss_suggestion(ticket=ticket, article=article, by=request.user)
    return _suggestions_response(request, ticket, dismissed_now=article.pk)


@require_POST
@agents_only
def undo_dismissal(request: AuthenticatedRequest, ticket_id: int, article_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    article = knowledge_queries.access_article(request.user, article_id)
    triage_services.undo_dismissal(ticket=ticket, article=article, by=request.user)
    return _suggestions_response(request, ticket)


def _suggestions_response(
    request: AuthenticatedRequest, ticket: Ticket, *, dismissed_now: int | None = None
) -> HttpResponse:
    if request.htmx:
        return analysis_response(request, ticket, dismissed_now=dismissed_now)
    return redirect(f"{reverse('ticket', args=[ticket.pk])}#articles")
