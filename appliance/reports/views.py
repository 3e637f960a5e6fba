"""The page of reports and its CSV exports."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.accounts.permissions import AuthenticatedRequest
from appliance.core import audit
from appliance.core.dates import site_date
from appliance.core.errors import BadInputError
from appliance.reports import charts, export, formatting, queries
from appliance.reports.forms import ReportForm

MAX_PARTS = 50  # on the page; the export has all


@require_safe
@login_required
def index(request: AuthenticatedRequest) -> HttpResponse:
    queries.require_right(request.user)
    form = ReportForm(request.GET, today=site_date())
    if not form.is_valid():
        return render(request, "reports/reports.html", {"form": form}, status=400)
    report = queries.access_report(request.user, form.report_query())
    return render(request, "reports/reports.html", _context(request, form, report))


def _context(
    request: AuthenticatedRequest, form: ReportForm, report: queries.Report
) -> dict[str, object]:
    parts, report_query = charts.sorted_parts(report), report.report_query
    return {
        "form": form,
        "report": report,
        "tiles": charts.list_tiles(report.total, report.previous),
        "charts": charts.list_charts(report),
        "chart_of_parts": charts.chart_of_parts(report),
        "parts": parts[:MAX_PARTS],
        "parts_left_out": max(len(parts) - MAX_PARTS, 0),
        "part_name": _part_name(request, report) if report_query.part is not None else "",
        "is_empty": not report.total.backlog
        and not any(metrics.opened for metrics in report.steps.values()),
    }


def _part_name(request: AuthenticatedRequest, report: queries.Report) -> str:
    """Return the name of the report's only part, which may have no tickets in the period."""
    part = report.report_query.part or None
    names = queries.list_part_names(request.user, report.report_query.dimension, [part])
    return formatting.part_label(report.report_query.dimension, part, names)


@require_safe
@login_required
def export_report(request: AuthenticatedRequest) -> StreamingHttpResponse:
    """Export one CSV line for each step, or with ``rows=parts`` one for each part."""
    queries.require_right(request.user)
    form = ReportForm(request.GET, today=site_date())
    if not form.is_valid():
        messages = [str(error) for errors in form.errors.values() for error in errors]
        raise BadInputError(" ".join(messages))
    report = queries.access_report(request.user, form.report_query())
    by_part = request.GET.get("rows") == "parts"
    lines = export.csv_by_part(report) if by_part else export.csv_over_time(report)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = report.report_query.dimension if by_part else "time"
    period = report.report_query.period
    file_name = f"report-{name}-{period.start}-{period.end}.csv"
    audit.record_export(by=request.user, kind="report", name=file_name)
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response
