"""The clock on the page of a ticket, asked for once a minute."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.agreements import queries as agreements
from appliance.agreements import words
from appliance.desk.access import agents_only
from appliance.tickets import queries


@require_safe
@agents_only
def clock(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """The clock again, or 204 while it says what the page shows."""
    ticket = queries.access_ticket(request.user, ticket_id)
    face = words.read_clock(agreements.find_clock(ticket))
    if request.GET.get("seen") == (face.key if face else ""):
        return HttpResponse(status=204)
    return render(request, "agreements/_clock.html", {"ticket": ticket, "face": face})
