"""The front page: the tickets of an agent or of a customer, and bulk edits."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import AuthenticatedRequest, agents_only, with_right
from appliance.core import audit
from appliance.core.errors import BadInputError
from appliance.reports.export import csv_of_rows
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import BulkChange
from appliance.tickets.services.bulk import MAX_TICKETS
from appliance.web import ticket_export, ticket_list
from appliance.web.forms import BulkForm
from appliance.web.views import portal


@require_safe
@login_required
def dashboard(request: AuthenticatedRequest) -> HttpResponse:
    if not request.user.is_agent:
        return portal.my_tickets(request)
    page = ticket_list.build_dashboard(request.user, request.GET)
    return render(request, "web/dashboard.html", vars(page))


@require_safe
@login_required
def live(request: AuthenticatedRequest) -> HttpResponse:
    """Return the list and the queues, or 204 when nothing has changed since ``since``."""
    if not request.user.is_agent:
        return portal.live(request)
    state = ticket_list.current_state()
    if state and request.GET.get("since") == state:
        return HttpResponse(status=204)
    context = {"ticket_list": ticket_list.build_ticket_list(request.user, request.GET)}
    return render(request, "web/_list_live.html", context)


@require_safe
@with_right(Right.REPORTS)
def export(request: AuthenticatedRequest) -> StreamingHttpResponse:
    """Return the tickets of a list, with the same address as the list, as CSV."""
    query = ticket_list.parse_query(request.user, request.GET)
    lines = csv_of_rows(ticket_export.export_rows(request.user, query))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    file_name = f"tickets-{timezone.localdate().isoformat()}.csv"
    audit.record_export(by=request.user, kind="tickets", name=file_name)
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


@require_POST
@agents_only
def change_tickets(request: AuthenticatedRequest) -> HttpResponse:
    """Start a bulk edit and go back to the list; a refused form is shown on its list again."""
    form = BulkForm(request.POST, viewer=request.user)
    change = form.attempt(_start_change, form=form, by=request.user) if form.is_valid() else None
    if change is None:
        address = QueryDict(form["address"].value())
        page = ticket_list.build_dashboard(request.user, address, refused_form=form)
        return render(request, "web/dashboard.html", vars(page), status=400)
    return redirect(_list_url(form.cleaned_data["address"], change))


def _start_change(*, form: BulkForm, by: User) -> BulkChange:
    if form.cleaned_data["select_all"]:
        query = ticket_list.parse_query(by, QueryDict(form.cleaned_data["address"]))
        ticket_ids = ticket_list.list_ids(by, query, MAX_TICKETS)
    else:
        ticket_ids = sorted(form.selected())
    return tickets_services.start_bulk_change(
        by=by, tickets=ticket_ids, changes=form.changes(), idempotency_key=form.key()
    )


@require_safe
@agents_only
def bulk_change(request: AuthenticatedRequest, change_id: UUID) -> HttpResponse:
    """Return how far a bulk edit is, for the page that waits for it."""
    change = tickets_queries.access_bulk_change(request.user, change_id)
    context = {
        "result": ticket_list.BulkResult(change),
        "address": request.GET.get("address", ""),
    }
    return render(request, "web/_bulk_result.html", context)


@require_POST
@agents_only
def undo_change(request: AuthenticatedRequest, change_id: UUID) -> HttpResponse:
    change = tickets_queries.access_bulk_change(request.user, change_id)
    try:
        tickets_services.undo_bulk_change(change=change, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
    return redirect(_list_url(request.POST.get("address", ""), change))


def _list_url(query_string: str, change: BulkChange) -> str:
    """Return the URL of the list the change came from, which then shows its result."""
    address = QueryDict(query_string, mutable=True)
    address["bulk"] = str(change.pk)
    return f"{reverse('dashboard')}?{address.urlencode()}"
