"""The pages of every section: list, add, edit, remove, restore, reorder."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Model
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.permissions import (
    AuthenticatedRequest,
    View,
    reauthentication_required,
    require_page_access,
    restricted_to,
)
from appliance.core.errors import BadInputError
from appliance.core.forms import Form, IdempotentForm
from appliance.core.pagination import paginate
from appliance.manage import queries, sections, services
from appliance.manage.forms.crud import ListForm, MoveForm, VersionForm
from appliance.manage.sections.section import Section

T = TypeVar("T")


def section_view(view: View) -> View:
    """Decorate a page of a section: only users the section is open to may see it."""

    @login_required
    @wraps(view)
    def wrapper(
        request: AuthenticatedRequest, section: Section[Any], **kwargs: object
    ) -> HttpResponseBase:
        require_page_access(section.is_open_to(request.user))
        return view(request, section, **kwargs)

    return wrapper


def ask_if_grave(view: View) -> View:
    """Decorate a page that adds or changes: a grave section asks for the password before."""
    view_after_question = reauthentication_required(view)

    @wraps(view)
    def wrapper(
        request: AuthenticatedRequest, section: Section[Any], **kwargs: object
    ) -> HttpResponseBase:
        return (view_after_question if section.is_grave else view)(request, section, **kwargs)

    return wrapper


@require_safe
@restricted_to(lambda user: bool(sections.list_groups(user)))
def overview(request: AuthenticatedRequest) -> HttpResponse:
    context = {"groups": sections.list_groups(request.user)}
    return render(request, "manage/overview.html", context)


@require_safe
@section_view
def index(request: AuthenticatedRequest, section: Section[Any]) -> HttpResponse:
    form = ListForm(request.GET)
    text, cursor = form.search_and_cursor()
    only = request.GET.get("only", "")
    entries = section.list_narrowed(request.user, text, only)
    page = paginate(entries, queries.ordering_of(entries), after=cursor)
    context = {
        "section": section,
        "form": form,
        "text": text,
        "only": only,
        "narrowings": [(name, label) for name, (label, _narrow) in section.narrowings.items()],
        "page": page,
        "count": entries.count(),
        "entries": [(entry, section.cells(entry)) for entry in page.rows],
    }
    return render(request, "manage/index.html", context)


@require_http_methods(["GET", "POST"])
@section_view
@ask_if_grave
def add(request: AuthenticatedRequest, section: Section[Any]) -> HttpResponse:
    form = section.form(post_data(request), request.user, None)
    if form.is_valid():
        service = _require(section.add)
        pk = form.attempt(
            services.add_once,
            key=IdempotentForm(request.POST).key(),
            section_slug=section.slug,
            add=lambda: service(by=request.user, **form.values()),
        )
        if not form.errors:
            messages.success(request, _("Entry added."))
            return redirect(f"edit-{section.object_slug}", pk)
    return render_entry_form(request, section, form)


@require_http_methods(["GET", "POST"])
@section_view
@ask_if_grave
def edit(request: AuthenticatedRequest, section: Section[Any], pk: int) -> HttpResponse:
    entry = section.access_entry(request.user, pk)
    form = section.form(post_data(request), request.user, entry)
    if form.is_valid() and _save(request, section, entry, form):
        messages.success(request, _("%(name)s saved.") % {"name": entry})
        return redirect(f"edit-{section.object_slug}", entry.pk)
    return render_entry_form(request, section, form, entry)


def _save(request: AuthenticatedRequest, section: Section[Any], entry: Model, form: Form) -> bool:
    """Return whether the form was saved; otherwise it has errors."""
    by = request.user
    form.attempt(
        services.save_if_unchanged,
        entry=entry,
        form=form,
        version=VersionForm(request.POST).value(),
        current_form=lambda: section.form(None, by, section.access_entry(by, entry.pk)),
        write=lambda: section.change(**section.argument(entry), by=by, **form.values()),
    )
    return not form.errors


def render_entry_form(
    request: AuthenticatedRequest,
    section: Section[Any],
    form: Form,
    entry: Model | None = None,
    **context_of_action: object,
) -> HttpResponse:
    """Render the form with the version of the entry as it is now, whatever the form holds."""
    current = section.access_entry(request.user, entry.pk) if entry else None
    version = services.version_of(section.form(None, request.user, current))
    context = {
        "section": section,
        "form": form,
        "entry": current,
        "idempotent_form": IdempotentForm(post_data(request) if form.errors else None),
        "version_form": VersionForm(initial={"version": version}),
        **section.aside_context(request, current),
        **context_of_action,
    }
    return render(request, "manage/form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@section_view
def remove(request: AuthenticatedRequest, section: Section[Any], pk: int) -> HttpResponse:
    """Show the consequences, then remove or deactivate the entry."""
    entry = section.access_entry(request.user, pk)
    form = Form(post_data(request))
    if form.is_valid():
        name = str(entry)
        form.attempt(_require(section.remove), by=request.user, **section.argument(entry))
        if not form.errors:
            messages.success(
                request, _("Done: %(what)s.") % {"what": f"{section.remove_label}, {name}"}
            )
            return redirect(section.slug)
    context = {
        "section": section,
        "entry": entry,
        "form": form,
        "consequences": section.consequences(entry),
    }
    return render(request, "manage/remove.html", context, status=400 if form.errors else 200)


@require_POST
@section_view
def restore(request: AuthenticatedRequest, section: Section[Any], pk: int) -> HttpResponse:
    entry = section.access_entry(request.user, pk)
    try:
        _require(section.restore)(by=request.user, **section.argument(entry))
    except BadInputError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(name)s reactivated.") % {"name": entry})
    return redirect(f"edit-{section.object_slug}", entry.pk)


@require_POST
@section_view
def move(request: AuthenticatedRequest, section: Section[Any], pk: int) -> HttpResponse:
    entry = section.access_entry(request.user, pk)
    up = MoveForm(request.POST).is_up()
    _require(section.move)(by=request.user, up=up, **section.argument(entry))
    return redirect(section.slug)


def _require(service: Callable[..., T] | None) -> Callable[..., T]:
    """Return a service of a section: urls.py has the pages of those alone that it offers."""
    assert service is not None
    return service


def post_data(request: AuthenticatedRequest) -> QueryDict | None:
    """Return the data of a form that was sent, even if empty; None when the page is only shown."""
    return request.POST if request.method == "POST" else None


def render_action(
    request: AuthenticatedRequest,
    section: Section[Any],
    entry: Model,
    form: Form,
    *,
    title: str,
    button: str,
    about: str = "",
    is_dangerous: bool = False,
) -> HttpResponse:
    """Render the page of one action on an entry; ``is_dangerous`` if it cannot be undone."""
    context = {
        "section": section,
        "entry": entry,
        "form": form,
        "title": title,
        "about": about,
        "button": button,
        "is_dangerous": is_dangerous,
    }
    return render(request, "manage/action.html", context, status=400 if form.errors else 200)
