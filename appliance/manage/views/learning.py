"""What the desk learns from its labels: train, activate, roll back, pass labels on."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.permissions import AuthenticatedRequest, admins_only
from appliance.core.errors import BadInputError
from appliance.manage import learning_texts
from appliance.manage.forms.learning import PassLabelsOnForm
from appliance.manage.sections.tickets import CATEGORIES
from appliance.manage.views.crud import post_data, render_action
from appliance.tickets import queries as tickets_queries
from appliance.triage import feedback_gate, head_evaluation, learning_queries
from appliance.triage import services as triage_services


@require_safe
@admins_only
def learning(request: AuthenticatedRequest) -> HttpResponse:
    """Show labels, the head in use, the latest candidate and what it would change."""
    viewer = request.user
    active = learning_queries.find_active_head(viewer)
    latest = learning_queries.find_latest_head(viewer)
    settings = learning_queries.find_settings(viewer)
    changed = learning_queries.list_changed_tickets(viewer, latest) if latest else []
    context = {
        "active": active,
        "is_used": active is not None and learning_queries.is_of_active_space(active),
        "latest": latest,
        "refusal": learning_texts.refusal(latest) if latest else "",
        "rows": learning_texts.evaluation_rows(latest) if latest else [],
        "changed": [
            (
                item.ticket,
                learning_texts.category_name(item.before),
                learning_texts.category_name(item.after),
            )
            for item in changed
        ],
        "is_training": learning_queries.is_training(viewer),
        "settings": settings,
        "feedback": _describe_feedback(settings.feedback_report),
        "labels": learning_queries.list_label_counts(viewer),
        "most": learning_queries.MAX_COUNTED,
        "min_labels": head_evaluation.MIN_LABELS,
        "min_per_category": head_evaluation.MIN_LABELS_PER_CATEGORY,
        "min_replayed": feedback_gate.MIN_TICKETS,
        "heads": learning_queries.list_heads(viewer),
    }
    return render(request, "manage/learning.html", context)


def _describe_feedback(report: dict) -> dict:
    """Return the figures of a replay as they are shown; empty before the first."""
    if not report.get("tickets"):
        return {}
    return {
        "tickets": report["tickets"],
        "without": learning_texts.percent(report["first_three_without"]),
        "with_votes": learning_texts.percent(report["first_three_with"]),
        "interval": learning_texts.interval(report["low"], report["high"]),
        "verdict": report["verdict"],
        "verdict_label": learning_texts.VERDICTS[report["verdict"]],
    }


@require_POST
@admins_only
def train(request: AuthenticatedRequest) -> HttpResponse:
    triage_services.request_training(by=request.user)
    messages.success(
        request, _("The training starts in the background. Its result appears on this page.")
    )
    return redirect("learning")


@require_POST
@admins_only
def activate(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    head = learning_queries.find_head(request.user, pk)
    if head is None:
        messages.error(request, _("This training is no longer there. Train again."))
        return redirect("learning")
    return _attempt(
        request,
        lambda: triage_services.activate_head(head=head, by=request.user),
        _("The learned classifier is active. Open tickets are classified again in the background."),
    )


@require_POST
@admins_only
def roll_back(request: AuthenticatedRequest) -> HttpResponse:
    return _attempt(
        request,
        lambda: triage_services.roll_back_head(by=request.user),
        _(
            "Rolled back. Open tickets are classified again in the background, and nothing is "
            "activated at night until you switch it on."
        ),
    )


@require_POST
@admins_only
def change_settings(request: AuthenticatedRequest) -> HttpResponse:
    """Switch learning at night, or the votes of suggestions, on or off: one button each."""
    value = request.POST.get("value") == "on"
    if request.POST.get("name") == "nightly":
        triage_services.set_nightly(is_nightly=value, by=request.user)
    elif request.POST.get("name") == "feedback":
        triage_services.set_feedback_use(uses_feedback=value, by=request.user)
    else:
        messages.error(request, _("Nothing was changed. Use the buttons on this page."))
        return redirect("learning")
    messages.success(request, _("Saved."))
    return redirect("learning")


@require_http_methods(["GET", "POST"])
@admins_only
def pass_labels_on(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Let the labels of a removed category teach another one."""
    category = tickets_queries.access_category(request.user, pk)
    form = PassLabelsOnForm(post_data(request), category)
    if form.is_valid():
        target = form.cleaned_data["target"]
        count = form.attempt(
            triage_services.pass_labels_on, source=category, target=target, by=request.user
        )
        if count is not None:
            text = ngettext(
                "%(n)d label passed on to %(name)s.", "%(n)d labels passed on to %(name)s.", count
            )
            messages.success(request, text % {"n": count, "name": target})
            return redirect("learning")
    return render_action(
        request,
        CATEGORIES,
        category,
        form,
        title=_("Pass on the labels of %(name)s") % {"name": category},
        about=_(
            "From now on its labels teach the other category. The tickets themselves keep their "
            "category."
        ),
        button=_("Pass on"),
    )


def _attempt(
    request: AuthenticatedRequest, call: Callable[[], object], success: str
) -> HttpResponse:
    """Say what came of it above the page."""
    try:
        call()
    except BadInputError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, success)
    return redirect("learning")
