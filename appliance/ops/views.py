"""The health check, and the status pages for admins."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.permissions import AuthenticatedRequest
from appliance.core import audit_chain, disk_space
from appliance.core.errors import ForbiddenError
from appliance.directory import queries as directory_queries
from appliance.mail import queries as mail_queries
from appliance.ops import certificate, charts, queries, query_plans, services, web_address
from appliance.search import queries as search_queries
from appliance.search.fulltext import find_running_reindex
from appliance.triage import queries as triage_queries
from appliance.triage import spaces
from appliance.triage.drift import queries as drift_queries

View = Callable[..., HttpResponse]


def admin_required(view: View) -> View:
    """Let only admins open the view."""

    @wraps(view)
    @login_required
    def wrapper(request: AuthenticatedRequest, **arguments: object) -> HttpResponse:
        if not request.user.is_admin:
            raise ForbiddenError(_("Only administrators can see the system status."))
        return view(request, **arguments)

    return wrapper


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while pages can be read, otherwise 503. Public, so it holds no details."""
    health = queries.check_health()
    report = {**health.as_json(), "desk": queries.desk_id()}
    return JsonResponse(report, status=200 if health.is_serving else 503)


@require_safe
@admin_required
def status(request: AuthenticatedRequest) -> HttpResponse:
    span = request.GET.get("span", "")
    span = span if span in charts.SPANS else "day"
    samples = charts.list_samples(span)
    context = {
        **web_address.status_context(),
        "health": queries.check_health(),
        "bundles": triage_queries.list_bundles(),
        "backlog": triage_queries.count_backlog(),
        "cache_rates": queries.list_cache_rates(),
        "spaces": spaces.list_spaces() if spaces.has_several() else [],
        "directories": directory_queries.list_active_directories(),
        "mailboxes": mail_queries.list_mailboxes(request.user).filter(is_active=True),
        "failing_mailboxes": mail_queries.list_failing_mailboxes(),
        "failed_emails": mail_queries.count_failed_emails(),
        "quality_report": drift_queries.read_report(request.user),
        "audit_check": audit_chain.latest_check(),
        "check": search_queries.find_latest_check(),
        "reindex": find_running_reindex(),
        "blocked_connections": queries.list_blocked_connections(),
        "cache_hit_share": queries.cache_hit_share(),
        "totals": queries.read_totals(),
        "disk": queries.read_disk(),
        "future_time": queries.find_future_time(),
        "disks": [(disk, *disk_space.describe(disk)) for disk in disk_space.list_disks()],
        "timings": charts.list_timings(samples),
        "charts": charts.list_charts(samples, span),
        "span": span,
        "spans": {name: label for name, (label, _duration) in charts.SPANS.items()},
    }
    return render(request, "ops/status.html", context)


@require_safe
@admin_required
def root_certificate(request: AuthenticatedRequest) -> HttpResponse:
    """Send the root of the desk's own CA, which every computer of the site has to trust."""
    root = certificate.find_root(certificate.served_certificate())
    if root is None:
        raise Http404
    response = HttpResponse(root.content, content_type="application/x-x509-ca-cert")
    response["Content-Disposition"] = 'attachment; filename="skerry-root.crt"'
    return response


@require_POST
@admin_required
def check_search(request: AuthenticatedRequest) -> HttpResponse:
    services.queue_search_check()
    messages.success(
        request, _("The search index check was started. The result appears here when it is done.")
    )
    return redirect(reverse("status") + "#search")


@require_safe
@admin_required
def tables(request: AuthenticatedRequest) -> HttpResponse:
    indexes = queries.list_indexes()
    context = {
        "totals": queries.read_totals(),
        "tables": queries.list_tables(),
        "indexes": indexes,
        "idle": [index for index in indexes if index.is_idle],
        "small_rows": queries.SMALL_ROWS,
    }
    return render(request, "ops/tables.html", context)


@require_safe
@admin_required
def statements(request: AuthenticatedRequest) -> HttpResponse:
    order = request.GET.get("by", "")
    order = order if order in query_plans.ORDERS else query_plans.ORDERS[0]
    is_available = query_plans.is_available()
    slowest = query_plans.list_slowest(order) if is_available else []
    context = {"statements": slowest, "is_available": is_available, "order": order}
    return render(request, "ops/statements.html", context)


@require_safe
@admin_required
def plan(request: AuthenticatedRequest, statement_id: str) -> HttpResponse:
    statement = query_plans.find_statement(statement_id) if query_plans.is_available() else None
    if statement is None:
        raise Http404
    context = {"statement": statement, "plan": query_plans.explain(statement)}
    return render(request, "ops/plan.html", context)
