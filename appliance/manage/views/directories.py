"""Trying a directory out, its syncs, and what its groups mean."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.permissions import (
    AuthenticatedRequest,
    admins_only,
    reauthentication_required,
)
from appliance.core.errors import BadInputError
from appliance.directory import diagnosis, texts
from appliance.directory import queries as directory_queries
from appliance.directory import services as directory_services
from appliance.directory.models import SyncRun
from appliance.manage.forms.directories import GroupMappingForm, RunKindForm, TestDirectoryForm
from appliance.manage.sections.directories import DIRECTORIES
from appliance.manage.views.crud import post_data, render_action


@require_http_methods(["GET", "POST"])
@admins_only
def test_directory(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Connect as a sync would, and show what works and how a person would be taken over."""
    directory = directory_queries.access_directory(request.user, pk)
    form = TestDirectoryForm(post_data(request))
    report = None
    if form.is_valid():
        report = diagnosis.examine(directory, form.cleaned_data["person"])
    context = {"section": DIRECTORIES, "directory": directory, "form": form, "report": report}
    status = 400 if form.errors else 200
    return render(request, "manage/directory_test.html", context, status=status)


@require_POST
@admins_only
def start_run(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Let the worker compare with the directory: a sync, or a preview that changes nothing."""
    directory = directory_queries.access_directory(request.user, pk)
    form = RunKindForm(request.POST)
    if not form.is_valid():
        return redirect("edit-directory", directory.pk)
    kind = SyncRun.Kind(form.cleaned_data["kind"])
    try:
        run = directory_services.start_run(directory=directory, kind=kind, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
        return redirect("edit-directory", directory.pk)
    return redirect("directory-run", run.pk)


@require_safe
@admins_only
def show_run(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Show one sync; htmx polls it alone while it lasts."""
    run = directory_queries.access_run(request.user, pk)
    context = {
        "section": DIRECTORIES,
        "run": run,
        "problem": texts.describe(run.problem),
        "counts": [(texts.OUTCOMES.get(name, name), n) for name, n in run.counts.items()],
        "rows": [texts.describe_row(row) for row in run.rows],
        "can_approve": run.state == run.State.HELD
        and run.problem.get("code") == "too_many_disabled",
    }
    name = "manage/_directory_run.html" if request.htmx else "manage/directory_run.html"
    return render(request, name, context)


@require_POST
@admins_only
@reauthentication_required
def approve_run(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Let a stopped sync take accounts and roles from more people than the limit."""
    run = directory_queries.access_run(request.user, pk)
    try:
        run = directory_services.approve_run(run=run, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
    return redirect("directory-run", run.pk)


@require_http_methods(["GET", "POST"])
@admins_only
@reauthentication_required
def add_mapping(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    directory = directory_queries.access_directory(request.user, pk)
    form = GroupMappingForm(post_data(request))
    if form.is_valid():
        form.attempt(
            directory_services.add_mapping, directory=directory, by=request.user, **form.values()
        )
        if not form.errors:
            messages.success(request, _("Group added. It counts from the next sync on."))
            return redirect("edit-directory", directory.pk)
    return render_action(
        request,
        DIRECTORIES,
        directory,
        form,
        title=_("Add group of %(name)s") % {"name": directory},
        about=_("What members of a group may do here. Of several roles the highest counts."),
        button=_("Add group"),
    )


@require_POST
@admins_only
def remove_mapping(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    mapping = directory_queries.access_mapping(request.user, pk)
    directory_services.remove_mapping(mapping=mapping, by=request.user)
    messages.success(request, _("Group removed: %(name)s.") % {"name": mapping})
    return redirect("edit-directory", mapping.directory_id)
