"""One set of pages for every section: list, add, edit, remove, bring back, reorder."""

from functools import wraps

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
    require_page_access,
    restricted_to,
)
from appliance.core.errors import BadInputError
from appliance.core.forms import Form, IdempotentForm
from appliance.core.pagination import paginate
from appliance.manage import queries, sections, services
from appliance.manage.forms.crud import ListForm, MoveForm, SeenForm
from appliance.manage.sections.section import Section


def of_section(view: View) -> View:
    """Decorate a page of a section: only the roles that the section admits may open it."""

    @login_required
    @wraps(view)
    def checked(
        request: AuthenticatedRequest, section: Section, **kwargs: object
    ) -> HttpResponseBase:
        require_page_access(section.admits(request.user))
        return view(request, section, **kwargs)

    return checked


@require_safe
@restricted_to(lambda person: bool(sections.open_to(person)))
def overview(request: AuthenticatedRequest) -> HttpResponse:
    return render(request, "manage/overview.html", {"groups": sections.open_to(request.user)})


@require_safe
@of_section
def index(request: AuthenticatedRequest, section: Section) -> HttpResponse:
    form = ListForm(request.GET)
    text, after = form.search_and_cursor()
    rows = section.rows(request.user, text)
    page = paginate(rows, queries.ordering_of(rows), after=after)
    context = {
        "section": section,
        "form": form,
        "text": text,
        "page": page,
        "count": rows.count(),
        "lines": [(row, section.cells(row)) for row in page.rows],
    }
    return render(request, "manage/index.html", context)


@require_http_methods(["GET", "POST"])
@of_section
def add(request: AuthenticatedRequest, section: Section) -> HttpResponse:
    form = section.form(sent(request), request.user, None)
    if form.is_valid():
        pk = form.attempt(
            services.add_once,
            key=IdempotentForm(request.POST).key(),
            slug=section.slug,
            add=lambda: section.add(by=request.user, **form.values()),
        )
        if not form.errors:
            messages.success(request, _("Entry added."))
            return redirect(f"edit-{section.object_slug}", pk)
    return _form_page(request, section, form)


@require_http_methods(["GET", "POST"])
@of_section
def edit(request: AuthenticatedRequest, section: Section, pk: int) -> HttpResponse:
    row = section.access(request.user, pk)
    form = section.form(sent(request), request.user, row)
    if form.is_valid() and _save(request, section, row, form):
        messages.success(request, _("%(name)s saved.") % {"name": row})
        return redirect(f"edit-{section.object_slug}", row.pk)
    return _form_page(request, section, form, row)


def _save(request: AuthenticatedRequest, section: Section, row: Model, form: Form) -> bool:
    by = request.user
    form.attempt(
        services.save,
        row=row,
        form=form,
        seen=SeenForm(request.POST).stamp(),
        fresh=lambda: section.form(None, by, section.access(by, row.pk)),
        write=lambda: section.change(**section.named(row), by=by, **form.values()),
    )
    return not form.errors


def _form_page(
    request: AuthenticatedRequest, section: Section, form: Form, row: Model | None = None
) -> HttpResponse:
    """What stands there now is what the next sending is held against."""
    now = section.access(request.user, row.pk) if row else None
    context = {
        "section": section,
        "form": form,
        "row": now,
        "once": IdempotentForm(sent(request) if form.errors else None),
        "seen": SeenForm(initial={"seen": services.stamp(section.form(None, request.user, now))}),
        **section.more_of(request, now),
    }
    return render(request, "manage/form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@of_section
def remove(request: AuthenticatedRequest, section: Section, pk: int) -> HttpResponse:
    """Says what it affects, then does it."""
    row = section.access(request.user, pk)
    form = Form(sent(request))
    if form.is_valid():
        name = str(row)
        form.attempt(section.remove, by=request.user, **section.named(row))
        if not form.errors:
            messages.success(
                request, _("Done: %(what)s.") % {"what": f"{section.remove_words}, {name}"}
            )
            return redirect(section.slug)
    context = {"section": section, "row": row, "form": form, "affects": section.affects(row)}
    return render(request, "manage/remove.html", context, status=400 if form.errors else 200)


@require_POST
@of_section
def restore(request: AuthenticatedRequest, section: Section, pk: int) -> HttpResponse:
    row = section.access(request.user, pk)
    try:
        section.restore(by=request.user, **section.named(row))
    except BadInputError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(name)s reactivated.") % {"name": row})
    return redirect(f"edit-{section.object_slug}", row.pk)


@require_POST
@of_section
def move(request: AuthenticatedRequest, section: Section, pk: int) -> HttpResponse:
    row = section.access(request.user, pk)
    up = MoveForm(request.POST).is_up()
    section.move(by=request.user, up=up, **section.named(row))
    return redirect(section.slug)


def sent(request: AuthenticatedRequest) -> QueryDict | None:
    """What a form is bound to: what was sent, were it nothing; None when the page is only read."""
    return request.POST if request.method == "POST" else None


def form_page(
    request: AuthenticatedRequest, section: Section, row: Model, form: Form, **words: object
) -> HttpResponse:
    """``words``: title, about, button, and is_grave for what cannot be undone."""
    context = {"section": section, "row": row, "form": form, **words}
    return render(request, "manage/single.html", context, status=400 if form.errors else 200)
