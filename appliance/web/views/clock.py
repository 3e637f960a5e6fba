"""The SLA panel of the ticket page, polled once a minute."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.sla import queries as sla_queries
from appliance.sla import status as sla_status
from appliance.tickets import queries as tickets_queries
from appliance.web.access import agents_only


@require_safe
@agents_only
def timer(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """Render the panel, or 204 while nothing has changed."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    status = sla_status.describe_timer(sla_queries.find_timer(ticket))
    if request.GET.get("seen") == (status.key if status else ""):
        return HttpResponse(status=204)
    return render(request, "sla/_timer.html", {"ticket": ticket, "status": status})
