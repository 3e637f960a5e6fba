"""The whole page of the list, also when a change of many tickets was refused on it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import BulkChange
from appliance.tickets.services.bulk import MAX_TICKETS, undo_seconds
from appliance.tickets.sorts import SORTS
from appliance.web import lists
from appliance.web.list_forms import LONGEST_ADDRESS, BulkForm


def show(request: HttpRequest, refused: BulkForm | None = None) -> HttpResponse:
    """With ``refused``, the list it was sent from, its ticks and words as they were."""
    address = QueryDict(refused["address"].value()) if refused else request.GET
    context = lists.context(request.user, address)
    context |= {
        "chips": context["listed"].chips,
        "sorts": SORTS.values(),
        "most": MAX_TICKETS,
        "bulk_form": refused or _bulk_form(request, address, context),
        "chosen": refused.chosen() if refused else set(),
        "tag_names": tickets_queries.list_tags(request.user, limit=200),
        **done(_find_change(request, address)),
    }
    return render(request, "web/dashboard.html", context, status=400 if refused else 200)


def done(change: BulkChange | None) -> dict:
    """What the page tells of a change of many tickets."""
    if change is None:
        return {"change": None}
    running_back = change.undone_at is not None and change.undo_finished_at is None
    changed = len({entry[0] for entry in change.before})
    left = change.undo_pending if running_back else change.pending
    return {
        "change": change,
        "is_running": change.finished_at is None or running_back,
        "of": changed if running_back else change.total,
        "so_far": (changed if running_back else change.total) - len(left),
        "changed": changed,
        "unchanged": change.total - changed - len(change.skipped),
        "taken_back": changed - len(change.undo_skipped),
        "left": change.undo_skipped if change.undone_at else change.skipped,
        "undo_seconds": undo_seconds(change),
        "wrote": change.undone_at is not None and "macro" in change.changes,
    }


def _bulk_form(request: HttpRequest, address: QueryDict, context: dict) -> BulkForm | None:
    if not context["can_change_in_bulk"]:
        return None
    place = address.copy()
    place.pop("bulk", None)
    offered = context["listed"].form.offered
    initial = {"address": place.urlencode()[:LONGEST_ADDRESS]}
    return BulkForm(viewer=request.user, offered=offered, initial=initial)


def _find_change(request: HttpRequest, address: QueryDict) -> BulkChange | None:
    try:
        return tickets_queries.find_bulk_change(request.user, UUID(address.get("bulk", "")))
    except ValueError:
        return None
