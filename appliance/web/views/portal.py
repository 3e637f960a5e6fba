"""The front page of a customer: what they asked, and what their organisation asked."""

from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import queries as accounts_queries
from appliance.accounts.permissions import AuthenticatedRequest
from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.core.forms import Form
from appliance.core.pagination import paginate
from appliance.core.views import secret_url
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import RatingForm, ReplyForm
from appliance.tickets.models import Ticket
from appliance.tickets.sorts import NEWEST
from appliance.triage import services as triage_services
from appliance.web import services
from appliance.web.forms import GuestTicketForm, MyTicketsForm, SetupForm
from appliance.web.queries import portal
from appliance.web.queries import portal as queries
from appliance.web.views.attachments import file_response


def my_tickets(request: AuthenticatedRequest) -> HttpResponse:
    return render(request, "web/portal.html", _context(request))


def live(request: AuthenticatedRequest) -> HttpResponse:
    """The list again, or 204 when nothing changed since the generation the page shows."""
    generation = cache.generation(cache.TICKETS)
    if generation is not None and request.GET.get("since") == str(generation):
        return HttpResponse(status=204)
    return render(request, "web/_portal_tickets.html", _context(request))


def _context(request: AuthenticatedRequest) -> dict:
    # read before the rows: a change in between shows up at the next look instead of never
    generation = cache.generation(cache.TICKETS)
    filters = MyTicketsForm(request.GET).filters()
    rows = portal.list_mine(request.user, filters)
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    return {
        "page": paginate(rows, NEWEST, ids_first=True, **cursors),
        "filters": filters,
        "counts": portal.count_mine(request.user, filters.whose),
        "organisation": portal.shares(request.user),
        "generation": generation or 0,
    }


JUST_ASKED = "guest_just_asked"


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("create-ticket")
    if not core_queries.site_settings().is_guest_form_open:
        raise Http404
    form = GuestTicketForm(request.POST or None, request.FILES or None, viewer=request.user)
    if form.is_valid() and (query := _ask(request, form)):
        ticket, token = query
        triage_services.annotate_soon(ticket.pk)
        request.session[JUST_ASKED] = ticket.pk
        return redirect("guest-ticket", token)
    return render(request, "web/ask.html", {"form": form}, status=400 if form.errors else 200)


def _ask(request: HttpRequest, form: GuestTicketForm) -> tuple[Ticket, str] | None:
    names = ("name", "email", "subject", "description", "files", "idempotency_key")
    values = {name: form.cleaned_data[name] for name in names}
    address = request.META["REMOTE_ADDR"]
    return form.attempt(
        services.ask_as_guest, address=address, fields=form.custom_values(), **values
    )


@require_safe
@secret_url
def show(request: HttpRequest, token: str) -> HttpResponse:
    return _page(request, token, queries.access_guest_ticket(token))


def _page(request: HttpRequest, token: str, ticket: Ticket, **forms: Form) -> HttpResponse:
    is_new = request.session.pop(JUST_ASKED, None) == ticket.pk
    context = {
        "ticket": ticket,
        "token": token,
        "link": request.build_absolute_uri(reverse("guest-ticket", args=[token])) if is_new else "",
        "conversation": queries.list_guest_messages(ticket),
        "opening_files": tickets_queries.list_first_message_files(ticket),
        "rating": tickets_queries.find_rating(ticket),
        "can_rate": tickets_queries.can_rate(request.user, ticket),
        "rating_form": forms.get("rating") or RatingForm(),
        "form": forms.get("reply") or ReplyForm(),
    }
    return render(request, "web/guest_ticket.html", context, status=400 if forms else 200)


@require_POST
@secret_url
def reply(request: HttpRequest, token: str) -> HttpResponse:
    ticket = queries.access_guest_ticket(token)
    form = ReplyForm(request.POST, request.FILES)
    if form.is_valid():
        names = ("body", "files", "idempotency_key")
        values = {name: form.cleaned_data[name] for name in names}
        address = request.META["REMOTE_ADDR"]
        if form.attempt(services.answer_as_guest, address=address, ticket=ticket, **values):
            messages.success(request, _("Your reply was sent."))
            return redirect("guest-ticket", token)
    return _page(request, token, ticket, reply=form)


@require_POST
@secret_url
def rate(request: HttpRequest, token: str) -> HttpResponse:
    ticket = queries.access_guest_ticket(token)
    form = RatingForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        values = {"is_good": data["is_good"], "comment": data["comment"]}
        if form.attempt(tickets_services.rate_ticket, ticket=ticket, by=None, **values):
            return redirect("guest-ticket", token)
    return _page(request, token, ticket, rating=form)


@require_safe
@secret_url
def attachment(request: HttpRequest, token: str, attachment_id: int) -> HttpResponse:
    return file_response(queries.access_guest_attachment(token, attachment_id).file)


@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
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
            demo=data["demo"],
        )
        if admin:
            login(request, admin, backend="django.contrib.auth.backends.ModelBackend")
            return redirect("dashboard")
    return render(request, "web/setup.html", {"form": form}, status=400 if form.errors else 200)
