"""The front page: the queues and the list of an agent, or the tickets of a customer, kept live."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.accounts.permissions import AuthenticatedRequest
from appliance.web import list_forms, lists
from appliance.web.views import portal


@require_safe
@login_required
def dashboard(request: AuthenticatedRequest) -> HttpResponse:
    if not request.user.is_agent:
        return portal.my_tickets(request)
    return list_forms.show(request)


@require_safe
@login_required
def live(request: AuthenticatedRequest) -> HttpResponse:
    """The list and the queues again, or 204 when nothing changed since the state of the page."""
    if not request.user.is_agent:
        return portal.live(request)
    state = lists.state()
    if state and request.GET.get("since") == state:
        return HttpResponse(status=204)
    context = lists.context(request.user, request.GET)
    return render(request, "web/_list_live.html", context)
