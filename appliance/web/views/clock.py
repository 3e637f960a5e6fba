"""The clock on the page of a ticket, asked for once a minute."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.sla import queries as sla_queries
from appliance.sla import words as sla_words
from appliance.tickets import queries as tickets_queries
from appliance.web.access import agents_only


@require_safe
@agents_only
def clock(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """The clock again, or 204 while it says what the page shows."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    face = sla_words.read_clock(sla_queries.find_clock(ticket))
    if request.GET.get("seen") == (face.key if face else ""):
        return HttpResponse(status=204)
    return render(request, "sla/_clock.html", {"ticket": ticket, "face": face})
