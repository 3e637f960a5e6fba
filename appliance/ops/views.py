"""Health for machines, the status page for the admin."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from appliance.core.errors import RefusedError
from appliance.ops import queries
from appliance.triage import queries as triage
from appliance.triage import spaces


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while tickets can be taken, 503 otherwise; says nothing a stranger may not know."""
    health = queries.check_health()
    return JsonResponse(health.as_json(), status=200 if health.is_serving else 503)


@require_safe
@login_required
def status(request: HttpRequest) -> HttpResponse:
    if not request.user.is_admin:
        raise RefusedError(_("The status page is for admins."))
    context = {
        "health": queries.check_health(),
        "bundles": triage.list_bundles(),
        "backlog": triage.count_backlog(),
        "cache_rates": queries.cache_rates(),
        "spaces": spaces.list_spaces(),
        "ways_out": queries.list_ways_out(),
    }
    return render(request, "ops/status.html", context)
