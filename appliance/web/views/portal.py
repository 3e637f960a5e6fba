"""Pages of customers and guests: their tickets, the form for guests, secret links; the set-up."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import queries as accounts_queries
from appliance.accounts.permissions import AuthenticatedRequest
from appliance.accounts.reauthentication import log_in_with_new_password
from appliance.accounts.security import client_address
from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.core.pagination import Page, paginate
from appliance.core.views import page_url, secret_url
from appliance.files.views import file_response
from appliance.mail.ticket_emails import list_emails
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import RatingForm, ReplyForm
from appliance.tickets.models import Rating, Ticket
from appliance.tickets.sorts import NEWEST
from appliance.triage import services as triage_services
from appliance.triage.models import Incident
from appliance.web import queries, services
from appliance.web.forms import GuestTicketForm, MyTicketsForm, SetupForm
from appliance.web.known_problems import read_new_ticket
from appliance.web.ticket_page import EARLIER_MESSAGES, MAX_MESSAGES, Conversation
from appliance.web.views.tickets import read_earlier_parts

NEW_TICKET = "new_guest_ticket"  # key of the session


@dataclass(frozen=True)
class MyTicketsPage:
    """The context of a customer's ticket list."""

    page: Page[Ticket]
    filters: queries.MyTickets
    counts: Mapping[str, int]
    organisation: str  # whose members see each other's tickets, empty if there is none
    generation: int  # of all tickets in the cache


@dataclass(frozen=True)
class GuestTicketPage:
    """The context of the page behind a secret link."""

    ticket: Ticket
    token: str
    link: str  # the secret link in full, shown once; empty afterwards
    conversation: Conversation
    rating: Rating | None
    rating_form: RatingForm | None  # None while it cannot be rated
    form: ReplyForm


def my_tickets(request: AuthenticatedRequest) -> HttpResponse:
    return render(request, "web/portal.html", vars(_my_tickets_page(request)))


def live(request: AuthenticatedRequest) -> HttpResponse:
    """Return the list, or 204 when nothing has changed since the generation ``since``."""
    generation = cache.generation(cache.TICKETS)
    if generation is not None and request.GET.get("since") == str(generation):
        return HttpResponse(status=204)
    return render(request, "web/_portal_tickets.html", vars(_my_tickets_page(request)))


def _my_tickets_page(request: AuthenticatedRequest) -> MyTicketsPage:
    # read before the tickets: a change in between is shown by the next poll instead of never
    generation = cache.generation(cache.TICKETS)
    filters = MyTicketsForm(request.GET).filters()
    page = paginate(
        queries.list_mine(request.user, filters),
        NEWEST,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
        ids_first=True,
    )
    return MyTicketsPage(
        page=page,
        filters=filters,
        counts=queries.count_mine(request.user, filters.whose),
        organisation=queries.find_shared_organisation(request.user),
        generation=generation or 0,
    )


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Let a guest create a ticket, and lead them to its secret link."""
    if request.user.is_authenticated:
        return redirect("create-ticket")
    if not core_queries.site_settings().is_guest_form_open:
        raise Http404
    typed = read_new_ticket(request)
    form = GuestTicketForm(typed.data or None, request.FILES or None, viewer=None)
    is_ready = form.is_valid() and not typed.unseen
    if is_ready and (created := _create_guest_ticket(request, form, typed.incident)):
        ticket, token = created
        triage_services.annotate_soon(ticket.pk)
        request.session[NEW_TICKET] = ticket.pk
        return redirect("guest-ticket", token)
    context = {"form": form, "known_problems": typed.problems}
    return render(request, "web/ask.html", context, status=400 if form.errors else 200)


def _create_guest_ticket(
    request: HttpRequest, form: GuestTicketForm, incident: Incident | None
) -> tuple[Ticket, str] | None:
    data = form.cleaned_data
    return form.attempt(
        services.create_guest_ticket,
        ip_address=client_address(request),
        name=data["name"],
        email=data["email"],
        subject=data["subject"],
        description=data["description"],
        fields=form.custom_values(),
        files=data["files"],
        incident=incident,
        idempotency_key=data["idempotency_key"],
    )


@require_safe
@secret_url
def show(request: HttpRequest, token: str) -> HttpResponse:
    return _guest_ticket_page(request, token, queries.access_guest_ticket(token))


@require_POST
@secret_url
def reply(request: HttpRequest, token: str) -> HttpResponse:
    ticket = queries.access_guest_ticket(token)
    form = ReplyForm(request.POST, request.FILES)
    if form.is_valid():
        message = form.attempt(
            services.reply_as_guest,
            ip_address=client_address(request),
            ticket=ticket,
            body=form.cleaned_data["body"],
            files=form.cleaned_data["files"],
            idempotency_key=form.cleaned_data["idempotency_key"],
        )
        if message:
            messages.success(request, _("Your reply was sent."))
            return redirect("guest-ticket", token)
    return _guest_ticket_page(request, token, ticket, refused_reply=form)


@require_POST
@secret_url
def rate(request: HttpRequest, token: str) -> HttpResponse:
    ticket = queries.access_guest_ticket(token)
    form = RatingForm(request.POST)
    if form.is_valid():
        rating = form.attempt(
            tickets_services.rate_ticket,
            ticket=ticket,
            by=None,
            is_good=form.cleaned_data["is_good"],
            comment=form.cleaned_data["comment"],
        )
        if rating:
            return redirect("guest-ticket", token)
    return _guest_ticket_page(request, token, ticket, refused_rating=form)


@require_http_methods(["GET", "POST"])
@secret_url
def rate_by_link(request: HttpRequest, token: str, rating: str) -> HttpResponse:
    """Ask whoever opens a link of an e-mail to confirm the rating.

    Opening it rates nothing: programs that check e-mails for viruses open every link.
    """
    ticket = tickets_queries.access_ticket_to_rate(token)
    form = RatingForm(request.POST or None, initial={"is_good": rating})
    if form.is_valid():
        saved = form.attempt(
            tickets_services.rate_ticket, ticket=ticket, by=None, **form.cleaned_data
        )
        if saved:
            messages.success(request, _("Thank you for your rating."))
            return redirect(request.path)
    context = {
        "ticket": ticket,
        "form": form,
        "is_good": rating == "good",
        "rating": tickets_queries.find_rating(ticket),
        "can_rate": tickets_queries.can_rate(AnonymousUser(), ticket),
    }
    return render(request, "web/rate.html", context, status=400 if form.errors else 200)


@require_safe
@secret_url
def attachment(request: HttpRequest, token: str, attachment_id: int) -> HttpResponseBase:
    return file_response(queries.access_guest_attachment(token, attachment_id).file)


def _guest_ticket_page(
    request: HttpRequest,
    token: str,
    ticket: Ticket,
    *,
    refused_reply: ReplyForm | None = None,
    refused_rating: RatingForm | None = None,
) -> HttpResponse:
    is_new = request.session.pop(NEW_TICKET, None) == ticket.pk
    can_rate = tickets_queries.can_rate(request.user, ticket)
    earlier_parts = read_earlier_parts(request)
    replies = queries.list_guest_messages(
        ticket, limit=EARLIER_MESSAGES * earlier_parts or MAX_MESSAGES
    )
    page = GuestTicketPage(
        ticket=ticket,
        token=token,
        link=page_url(request, "guest-ticket", token) if is_new else "",
        conversation=Conversation(
            ticket=ticket,
            messages=replies,
            hidden_messages=replies[0].listed_count - len(replies) if replies else 0,
            earlier_parts=earlier_parts,
            unfolded_id=request.GET.get("whole", ""),
            first_files=tickets_queries.list_first_message_files(ticket),
            emails=list_emails([ticket.pk], [message.pk for message in replies]),
            guest_token=token,
        ),
        rating=tickets_queries.find_rating(ticket),
        rating_form=(refused_rating or RatingForm()) if can_rate else None,
        form=refused_reply or ReplyForm(),
    )
    status = 400 if refused_reply or refused_rating else 200
    return render(request, "web/guest_ticket.html", vars(page), status=status)


@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Set the help desk up: the first admin, its name, categories, and perhaps demo data."""
    if accounts_queries.has_admin() or not accounts_queries.is_valid_setup_token(token):
        raise Http404
    form = SetupForm(request.POST or None)
    if form.is_valid():
        data = form.cleaned_data
        admin = form.attempt(
            services.set_up,
            token=token,
            person=form.user_data(),
            desk_name=data["desk_name"],
            categories=set(data["categories"]),
            languages=data["languages"],
            demo=data["demo"],
        )
        if admin:
            return log_in_with_new_password(request, admin)
    return render(request, "web/setup.html", {"form": form}, status=400 if form.errors else 200)
