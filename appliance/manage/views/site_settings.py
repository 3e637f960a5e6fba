"""The site settings, the logo and the audit log."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import services as accounts_services
from appliance.accounts.permissions import AuthenticatedRequest, admins_only
from appliance.core import queries as core_queries
from appliance.core.pagination import paginate
from appliance.files.views import file_response
from appliance.manage import queries, services
from appliance.manage.forms.crud import AuditLogForm, VersionForm
from appliance.manage.forms.site_settings import LogoForm, SiteSettingsForm
from appliance.manage.views.crud import post_data

YEAR_SECONDS = 365 * 24 * 3600


@require_safe
@admins_only
def audit_log(request: AuthenticatedRequest) -> HttpResponse:
    form = AuditLogForm(request.GET)
    filters = form.filters()
    entries = queries.list_audit_log(request.user, **filters)
    page = paginate(entries, queries.ordering_of(entries), after=form.cursor())
    context = {"form": form, "page": page, "is_filtered": any(filters.values())}
    return render(request, "manage/audit_log.html", context)


@require_safe
@admins_only
def export_audit_log(request: AuthenticatedRequest) -> StreamingHttpResponse:
    """Send the filtered audit log: as CSV, or with ``format=jsonl`` as one JSON object a line."""
    suffix = "jsonl" if request.GET.get("format") == "jsonl" else "csv"
    lines = services.export_audit_log(
        by=request.user, suffix=suffix, **AuditLogForm(request.GET).filters()
    )
    content_type = "application/x-ndjson" if suffix == "jsonl" else "text/csv; charset=utf-8"
    response = StreamingHttpResponse(lines, content_type=content_type)
    name = f"audit-log-{timezone.localdate().isoformat()}.{suffix}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "POST"])
@admins_only
def edit_site_settings(request: AuthenticatedRequest) -> HttpResponse:
    form = SiteSettingsForm(post_data(request), settings=core_queries.site_settings())
    if form.is_valid() and _save(request, form):
        messages.success(request, _("Settings saved."))
        return redirect("site-settings")
    return _render_page(request, form, LogoForm())


@require_POST
@admins_only
def change_logo(request: AuthenticatedRequest) -> HttpResponse:
    """Store the uploaded logo; without a file, remove the logo."""
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid():
        form.attempt(services.change_logo, by=request.user, upload=form.cleaned_data["logo"])
        if not form.errors:
            return redirect("site-settings")
    return _render_page(request, _current_form(), form)


@require_safe
def logo(request: HttpRequest, file_id: UUID) -> HttpResponseBase:
    """Send the logo to anybody; browsers may keep it, as another logo has another address."""
    stored_file = queries.find_logo()
    if stored_file is None or stored_file.pk != file_id:
        raise Http404
    response = file_response(stored_file)
    response["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    return response


def _save(request: AuthenticatedRequest, form: SiteSettingsForm) -> bool:
    """Return whether the form was saved; otherwise it has errors."""
    form.attempt(
        services.save_if_unchanged,
        entry=core_queries.site_settings(),
        form=form,
        version=VersionForm(request.POST).value(),
        current_form=_current_form,
        write=lambda: accounts_services.update_site_settings(by=request.user, **form.cleaned_data),
    )
    return not form.errors


def _current_form() -> SiteSettingsForm:
    return SiteSettingsForm(None, settings=core_queries.site_settings())


def _render_page(
    request: AuthenticatedRequest, form: SiteSettingsForm, logo_form: LogoForm
) -> HttpResponse:
    version = services.version_of(_current_form())
    context = {
        "form": form,
        "logo_form": logo_form,
        "version_form": VersionForm(initial={"version": version}),
    }
    status = 400 if form.errors or logo_form.errors else 200
    return render(request, "manage/site_settings.html", context, status=status)
