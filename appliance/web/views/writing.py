"""What a ticket's page asks while somebody writes on it: who else is here, a draft, names, tags."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from appliance.tickets import presence as present
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.forms import DraftForm
from appliance.web.access import agents_only

NOTHING = 204
MAX_CHARACTERS = 40  # of what is looked for


@require_POST
@agents_only
def presence(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """Says that the viewer is here (``is_writing``), and shows who else is; 204 when nobody."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    present.mark_present(request.user, ticket, is_writing=request.POST.get("is_writing") == "1")
    others = present.list_others(request.user, ticket)
    if not others:
        return HttpResponse(status=NOTHING)
    return render(request, "web/_presence.html", {"others": others})


@require_POST
@login_required
def draft(request: HttpRequest, ticket_id: int) -> HttpResponse:
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    form = DraftForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=400)
    tickets_services.save_draft(ticket=ticket, by=request.user, **form.cleaned_data)
    return HttpResponse(status=NOTHING)


@require_safe
@agents_only
def mentionable(request: HttpRequest, ticket_id: int) -> JsonResponse:
    """Colleagues who may be meant by what was typed after @."""
    ticket = tickets_queries.access_ticket(request.user, ticket_id)
    found = tickets_queries.list_mentionable(request.user, ticket, _asked(request))
    return JsonResponse({"people": [{"name": str(who), "handle": at} for who, at in found]})


@require_safe
@agents_only
def tags(request: HttpRequest) -> JsonResponse:
    found = tickets_queries.list_tags(request.user, _asked(request))
    return JsonResponse({"tags": [tag.name for tag in found]})


def _asked(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\0", "")[:MAX_CHARACTERS].strip()
