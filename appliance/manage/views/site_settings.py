"""Who changed what on the desk."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import services as accounts_services
from appliance.accounts.permissions import AuthenticatedRequest, admins_only
from appliance.core import queries as core_queries
from appliance.core.pagination import paginate
from appliance.files.views import file_response
from appliance.manage import queries, services
from appliance.manage.forms.crud import ChangesForm, SeenForm
from appliance.manage.forms.site_settings import DeskForm, LogoForm
from appliance.manage.views.crud import sent


@require_safe
@admins_only
def log(request: AuthenticatedRequest) -> HttpResponse:
    form = ChangesForm(request.GET)
    filters = form.filters()
    changes = queries.list_changes(request.user, **filters)
    page = paginate(changes, queries.ordering_of(changes), after=form.cursor())
    context = {"form": form, "page": page, "is_filtered": any(filters.values())}
    return render(request, "manage/changes.html", context)


YEAR_SECONDS = 365 * 24 * 3600


@require_http_methods(["GET", "POST"])
@admins_only
def rules(request: AuthenticatedRequest) -> HttpResponse:
    form = DeskForm(sent(request), desk=core_queries.site_settings())
    if form.is_valid() and _save(request, form):
        messages.success(request, _("Settings saved."))
        return redirect("desk-rules")
    return _page(request, form, LogoForm())


@require_POST
@admins_only
def change_logo(request: AuthenticatedRequest) -> HttpResponse:
    """Without a file, the logo is taken away."""
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid():
        form.attempt(services.change_logo, by=request.user, upload=form.cleaned_data["logo"])
        if not form.errors:
            return redirect("desk-rules")
    return _page(request, DeskForm(None, desk=core_queries.site_settings()), form)


@require_safe
def logo(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """For anybody; another logo has another address."""
    stored = queries.find_logo()
    if stored is None or stored.pk != file_id:
        raise Http404
    response = file_response(stored)
    response["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    return response


def _save(request: AuthenticatedRequest, form: DeskForm) -> bool:
    form.attempt(
        services.save,
        row=core_queries.site_settings(),
        form=form,
        seen=SeenForm(request.POST).stamp(),
        fresh=lambda: DeskForm(None, desk=core_queries.site_settings()),
        write=lambda: accounts_services.update_site_settings(by=request.user, **form.values()),
    )
    return not form.errors


def _page(request: AuthenticatedRequest, form: DeskForm, logo_form: LogoForm) -> HttpResponse:
    now = DeskForm(None, desk=core_queries.site_settings())
    context = {
        "form": form,
        "logo_form": logo_form,
        "seen": SeenForm(initial={"seen": services.stamp(now)}),
    }
    status = 400 if form.errors or logo_form.errors else 200
    return render(request, "manage/site_settings.html", context, status=status)
