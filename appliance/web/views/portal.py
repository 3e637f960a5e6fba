"""The front page of a customer: what they asked, and what their organisation asked."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from appliance.core import cache
from appliance.web.customer_forms import MyTicketsForm
from appliance.web.pages import Page
from appliance.web.queries import portal


def my_tickets(request: HttpRequest) -> HttpResponse:
    return render(request, "web/portal.html", _context(request))


def live(request: HttpRequest) -> HttpResponse:
    """The list again, or 204 when nothing changed since the generation the page shows."""
    generation = cache.generation(cache.TICKETS)
    if generation is not None and request.GET.get("since") == str(generation):
        return HttpResponse(status=204)
    return render(request, "web/_portal_tickets.html", _context(request))


def _context(request: HttpRequest) -> dict:
    # read before the rows: a change in between shows up at the next look instead of never
    generation = cache.generation(cache.TICKETS)
    filters = MyTicketsForm(request.GET).filters()
    rows = portal.list_mine(request.user, filters)
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    return {
        "page": Page.of(rows, **cursors),
        "filters": filters,
        "counts": portal.count_mine(request.user, filters.whose),
        "organisation": portal.shares(request.user),
        "generation": generation or 0,
    }
