"""The front page: open tickets with their counts, kept up to date."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.core import cache
from appliance.desk.pages import Page
from appliance.desk.queues import list_queues
from appliance.tickets import queries as tickets
from appliance.tickets.forms import FilterForm


@require_safe
@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/dashboard.html", _context(request))


@require_safe
@login_required
def live(request: HttpRequest) -> HttpResponse:
    """The list again, or 204 when nothing changed since the generation the page shows."""
    generation = cache.generation(cache.TICKETS)
    if generation is not None and request.GET.get("since") == str(generation):
        return HttpResponse(status=204)
    return render(request, "desk/_tickets.html", _context(request))


def _context(request: HttpRequest) -> dict:
    # read before the rows: a change in between shows up at the next look instead of never
    generation = cache.generation(cache.TICKETS)
    narrowed = FilterForm(request.GET).narrowed()
    counts = tickets.count_open(request.user)
    page = Page.of(tickets.list_tickets(request.user, narrowed), request.GET.get("before", ""))
    return {
        "page": page,
        "narrowed": narrowed,
        "counts": counts,
        "queues": list_queues(counts, narrowed, tickets.list_categories()),
        "generation": generation or 0,
    }
