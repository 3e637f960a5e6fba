"""Saved views of an agent: create from the filters of the list, edit, reorder, remove."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import SavedView
from appliance.web.forms import ViewForm


@require_safe
@agents_only
def index(request: AuthenticatedRequest) -> HttpResponse:
    views = list(tickets_queries.list_views_to_edit(request.user))
    shared = [view for view in tickets_queries.list_views(request.user) if view not in views]
    mine = [view for view in views if view.owner_id == request.user.pk]
    others = [view for view in views if view.owner_id != request.user.pk]
    context = {"mine": mine, "others": others, "shared": shared}
    return render(request, "web/views.html", context)


@require_http_methods(["GET", "POST"])
@agents_only
def add(request: AuthenticatedRequest) -> HttpResponse:
    """Create a view; the form starts with the filters of the query string."""
    initial = request.GET.dict() | {"audience": "own"}
    form = ViewForm(request.POST or None, viewer=request.user, initial=initial)
    if form.is_valid():
        view = form.attempt(tickets_services.save_view, by=request.user, **form.values())
        if view:
            return _redirect_to_view(request, view)
    return _render_form(request, form)


@require_http_methods(["GET", "POST"])
@agents_only
def edit(request: AuthenticatedRequest, view_id: int) -> HttpResponse:
    view = tickets_queries.access_view_to_edit(request.user, view_id)
    form = ViewForm(request.POST or None, viewer=request.user, view=view)
    if form.is_valid():
        form.attempt(tickets_services.change_view, view=view, by=request.user, **form.values())
        if not form.errors:
            return _redirect_to_view(request, view)
    return _render_form(request, form, view)


@require_POST
@agents_only
def remove(request: AuthenticatedRequest, view_id: int) -> HttpResponse:
    view = tickets_queries.access_view_to_edit(request.user, view_id)
    tickets_services.remove_view(view=view, by=request.user)
    messages.success(request, _("View “%s” deleted. Its tickets are kept.") % view)
    return redirect("views")


@require_POST
@agents_only
def move(request: AuthenticatedRequest, view_id: int) -> HttpResponse:
    view = tickets_queries.access_view_to_edit(request.user, view_id)
    tickets_services.move_view(view=view, by=request.user, up=request.POST.get("direction") == "up")
    return redirect("views")


def _render_form(
    request: AuthenticatedRequest, form: ViewForm, view: SavedView | None = None
) -> HttpResponse:
    context = {"form": form, "view": view}
    return render(request, "web/view_form.html", context, status=400 if form.errors else 200)


def _redirect_to_view(request: AuthenticatedRequest, view: SavedView) -> HttpResponse:
    messages.success(request, _("View saved."))
    is_visible = tickets_queries.list_views(request.user).filter(pk=view.pk).exists()
    return redirect(f"{reverse('dashboard')}?view={view.pk}" if is_visible else reverse("views"))
