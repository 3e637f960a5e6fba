"""Who changed what on the desk."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliance.manage import queries
from appliance.manage.access import admins_only
from appliance.manage.forms.frame import ChangesForm
from appliance.manage.pages import Page


@require_safe
@admins_only
def log(request: HttpRequest) -> HttpResponse:
    form = ChangesForm(request.GET)
    filters = form.filters()
    page = Page.of(queries.list_changes(request.user, **filters), form.cursor())
    context = {"form": form, "page": page, "is_filtered": any(filters.values())}
    return render(request, "manage/changes.html", context)
