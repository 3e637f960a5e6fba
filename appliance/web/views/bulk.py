"""Many tickets changed at once, watched while it lasts, and taken back."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.core.errors import BadInputError
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import BulkChange
from appliance.tickets.services.bulk import MAX_TICKETS
from appliance.web import list_forms, lists
from appliance.web.list_forms import BulkForm


@require_POST
@agents_only
def change(request: AuthenticatedRequest) -> HttpResponse:
    form = BulkForm(request.POST, viewer=request.user)
    done = form.attempt(_change, request=request, form=form) if form.is_valid() else None
    if done is None:
        return list_forms.show(request, refused=form)
    return redirect(_back(form.cleaned_data["address"], done))


def _change(*, request: HttpRequest, form: BulkForm) -> BulkChange:
    key = form.cleaned_data["idempotency_key"]
    if form.cleaned_data["select_all"]:
        address = QueryDict(form.cleaned_data["address"])
        tickets = lists.ids_of(request.user, lists.read(request.user, address), MAX_TICKETS)
    else:
        tickets = sorted(form.chosen())
    return tickets_services.start_bulk_change(
        by=request.user, tickets=tickets, changes=form.changes(), idempotency_key=key
    )


@require_safe
@agents_only
def show(request: AuthenticatedRequest, change_id: UUID) -> HttpResponse:
    """How far it has come, for the page that waits."""
    rows = tickets_queries.access_bulk_change(request.user, change_id)
    context = list_forms.done(rows) | {"place": request.GET.get("place", "")}
    return render(request, "web/_bulk_result.html", context)


@require_POST
@agents_only
def undo(request: AuthenticatedRequest, change_id: UUID) -> HttpResponse:
    rows = tickets_queries.access_bulk_change(request.user, change_id)
    try:
        tickets_services.undo_bulk_change(change=rows, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
    return redirect(_back(request.POST.get("place", ""), rows))


def _back(place: str, done: BulkChange) -> str:
    """The list it came from, which tells what was done."""
    address = QueryDict(place, mutable=True)
    address["bulk"] = str(done.pk)
    return f"{reverse('dashboard')}?{address.urlencode()}"
