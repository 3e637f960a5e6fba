"""Model quality: the measures of drift, their settings, and their figures as CSV."""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.permissions import AuthenticatedRequest, admins_only
from appliance.core import audit
from appliance.core.dates import site_date
from appliance.manage import model_quality, services
from appliance.manage.forms.crud import VersionForm
from appliance.manage.forms.model_quality import ModelQualityForm
from appliance.manage.views.crud import post_data
from appliance.reports import export as reports_export
from appliance.triage import services as triage_services
from appliance.triage.drift import queries as drift_queries
from appliance.triage.drift.measures import MIN_TICKETS


@require_http_methods(["GET", "POST"])
@admins_only
def edit_model_quality(request: AuthenticatedRequest) -> HttpResponse:
    form = ModelQualityForm(post_data(request), settings=drift_queries.find_settings())
    if form.is_valid() and _save(request, form):
        messages.success(request, _("Settings saved."))
        return redirect("model-quality")
    report = drift_queries.read_report(request.user)
    context = {
        "report": report,
        "cards": model_quality.list_cards(report),
        "form": form,
        "version_form": VersionForm(initial={"version": services.version_of(_current_form())}),
        "min_tickets": MIN_TICKETS,
        "today": site_date(),
    }
    return render(request, "manage/model_quality.html", context, status=400 if form.errors else 200)


@require_safe
@admins_only
def export(request: AuthenticatedRequest) -> StreamingHttpResponse:
    report = drift_queries.read_report(request.user)
    file_name = f"model-quality-{site_date().isoformat()}.csv"
    audit.record_export(by=request.user, kind="model quality", name=file_name)
    lines = reports_export.csv_of_rows(model_quality.csv_rows(report))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


@require_POST
@admins_only
def update(request: AuthenticatedRequest) -> HttpResponse:
    triage_services.request_drift_update(by=request.user)
    messages.success(
        request, _("The worker computes all months again. Reload the page in a moment.")
    )
    return redirect("model-quality")


def _save(request: AuthenticatedRequest, form: ModelQualityForm) -> bool:
    """Return whether the form was saved; otherwise it has errors."""
    form.attempt(
        services.save_if_unchanged,
        entry=drift_queries.find_settings(),
        form=form,
        version=VersionForm(request.POST).value(),
        current_form=_current_form,
        write=lambda: triage_services.change_drift_settings(by=request.user, **form.values()),
    )
    return not form.errors


def _current_form() -> ModelQualityForm:
    return ModelQualityForm(None, settings=drift_queries.find_settings())
