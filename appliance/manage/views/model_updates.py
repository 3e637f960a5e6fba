"""The models: which are active, their updates, and rolling back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.permissions import AuthenticatedRequest, admins_only
from appliance.core.errors import SkerryError
from appliance.manage import model_update_texts
from appliance.manage.forms.model_updates import ApprovalForm, RollbackForm, TrustForm, UpdateForm
from appliance.model_updates import queries as model_updates_queries
from appliance.model_updates import services as model_updates_services
from appliance.model_updates.models import UpdateRun


@require_safe
@admins_only
def models(request: AuthenticatedRequest) -> HttpResponse:
    return _render_page(request)


@require_POST
@admins_only
def start(request: AuthenticatedRequest) -> HttpResponse:
    if not model_updates_queries.report()["trusts"]:
        messages.error(request, _("Nothing was installed. Set the trusted publisher first."))
        return redirect("models")
    form = UpdateForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render_page(request, update_form=form)
    upload = form.cleaned_data["file"]
    run = model_updates_services.request_run(
        kind=form.cleaned_data["verb"],
        source=upload.name[:200] if upload else form.cleaned_data["folder"],
        by=request.user,
        upload=upload,
    )
    return redirect("model-update", run.pk)


@require_safe
@admins_only
def show(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Show one run; htmx polls its steps alone while it lasts."""
    run = model_updates_queries.access_run(request.user, pk)
    return _render_run(request, run, ApprovalForm())


@require_POST
@admins_only
def apply(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Install what was checked, or what needs approval."""
    run = model_updates_queries.access_run(request.user, pk)
    form = ApprovalForm(request.POST)
    if form.is_valid():
        new_run = form.attempt(
            model_updates_services.request_apply,
            run=run,
            by=request.user,
            accepted=form.cleaned_data["accepted"],
            reason=form.cleaned_data["reason"],
        )
        if new_run:
            return redirect("model-update", new_run.pk)
    return _render_run(request, run, form)


@require_POST
@admins_only
def roll_back(request: AuthenticatedRequest) -> HttpResponse:
    form = RollbackForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose which models to roll back."))
        return redirect("models")
    run = model_updates_services.start_run(
        kind=UpdateRun.Kind.ROLLBACK,
        source=form.cleaned_data["role"],
        by=request.user,
        reason=form.cleaned_data["reason"],
    )
    run = model_updates_services.carry_out(run)
    return redirect("model-update", run.pk)


@require_POST
@admins_only
def trust(request: AuthenticatedRequest) -> HttpResponse:
    form = TrustForm(request.POST, request.FILES)
    content = form.attempt(form.content) if form.is_valid() else None
    if content is None:
        return _render_page(request, trust_form=form)
    try:
        model_updates_services.pin_root(content, by_name=str(request.user))
    except SkerryError as error:
        form.add_error("root", str(error))
        return _render_page(request, trust_form=form)
    messages.success(request, _("Updates from this publisher are now accepted."))
    return redirect("models")


def _render_page(
    request: AuthenticatedRequest,
    update_form: UpdateForm | None = None,
    trust_form: TrustForm | None = None,
) -> HttpResponse:
    report = model_updates_queries.report()
    context = {
        "roles": [
            role | {"title": model_update_texts.ROLES[role["role"]]} for role in report["roles"]
        ],
        "trusts": report["trusts"],
        "update_form": update_form or UpdateForm(),
        "trust_form": trust_form or TrustForm(),
        "runs": model_updates_queries.list_runs(request.user),
    }
    status = 400 if update_form or trust_form else 200
    return render(request, "manage/models.html", context, status=status)


def _render_run(request: AuthenticatedRequest, run: UpdateRun, form: ApprovalForm) -> HttpResponse:
    steps = [
        {
            "title": model_update_texts.STEPS.get(step["step"], step["step"]),
            "outcome": step["outcome"],
            "outcome_label": model_update_texts.OUTCOMES.get(step["outcome"], step["outcome"]),
            "text": step["text"],
            "lines": model_update_texts.detail_lines(step["details"]),
        }
        for step in run.steps
    ]
    context = {
        "run": run,
        "steps": steps,
        "current_step": model_update_texts.STEPS.get(run.step, ""),
        "form": form,
        "can_apply": model_updates_queries.can_apply(run),
    }
    name = "manage/_update_run.html" if request.htmx else "manage/update_run.html"
    return render(request, name, context, status=400 if form.errors else 200)
