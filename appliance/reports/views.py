"""The page of reports and its two exports."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.core.errors import BadInputError
from appliance.reports import charts, export, queries, words
from appliance.reports.forms import ReportForm
from appliance.reports.tiles import list_tiles

MOST_PARTS = 50  # on the page; the export has all


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    queries.refuse_without_right(request.user)
    form = ReportForm(request.GET, today=queries.today())
    if not form.is_valid():
        return render(request, "reports/reports.html", {"form": form}, status=400)
    report = queries.access_report(request.user, form.asked())
    return render(request, "reports/reports.html", _context(request, form, report))


def _context(request: HttpRequest, form: ReportForm, report: queries.Report) -> dict:
    parts, asked = charts.sorted_parts(report), report.asked
    return {
        "form": form,
        "report": report,
        "tiles": list_tiles(report.total, report.before),
        "charts": charts.list_charts(report),
        "chart_of_parts": charts.chart_of_parts(report),
        "parts": parts[:MOST_PARTS],
        "parts_left_out": max(len(parts) - MOST_PARTS, 0),
        "one": _one(request, report) if asked.part is not None else "",
        "is_empty": not report.total.backlog and not any(f.opened for f in report.steps.values()),
    }


def _one(request: HttpRequest, report: queries.Report) -> str:
    """The name of the part the report is about, even when nothing of it is in the span."""
    part = report.asked.part or None
    names = queries.list_names(request.user, report.asked.dimension, [part])
    return words.part_name(report.asked.dimension, part, names)


@require_safe
@login_required
def export_report(request: HttpRequest) -> StreamingHttpResponse:
    """CSV over time, or of the parts with ``rows=parts``."""
    queries.refuse_without_right(request.user)
    form = ReportForm(request.GET, today=queries.today())
    if not form.is_valid():
        raise BadInputError(" ".join(str(e) for errors in form.errors.values() for e in errors))
    report = queries.access_report(request.user, form.asked())
    by_part = request.GET.get("rows") == "parts"
    lines = export.lines_by_part(report) if by_part else export.lines_over_time(report)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = report.asked.dimension if by_part else "time"
    period = report.asked.period
    file = f"report-{name}-{period.start}-{period.end}.csv"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response
