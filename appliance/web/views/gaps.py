"""What an author can work from: where an article is missing, and which ones do not fit."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts.models import Right
from appliance.triage import gaps
from appliance.triage import services as triage_services
from appliance.web.access import with_right


@require_safe
@with_right(Right.ARTICLES)
def index(request: HttpRequest) -> HttpResponse:
    dismissed = request.GET.get("show") == "dismissed"
    found = list(gaps.list_gaps(request.user, dismissed=dismissed))
    return render(request, "web/gaps.html", {"gaps": found, "dismissed": dismissed})


@require_safe
@with_right(Right.ARTICLES)
def doubtful(request: HttpRequest) -> HttpResponse:
    context = {"found": gaps.list_low_performing(request.user), "days": gaps.DAYS}
    return render(request, "web/doubtful.html", context)


@require_POST
@with_right(Right.ARTICLES)
def look(request: HttpRequest) -> HttpResponse:
    triage_services.queue_gaps()
    messages.success(request, _("Scan started. Reload this page in a minute."))
    return redirect("gaps")


@require_POST
@with_right(Right.ARTICLES)
def write(request: HttpRequest, gap_id: int) -> HttpResponse:
    """A draft with the examples in it, opened in the editor."""
    gap = gaps.access_gap(request.user, gap_id)
    article = triage_services.write_for_gap(gap=gap, by=request.user)
    return redirect("edit-article", article.pk)


@require_POST
@with_right(Right.ARTICLES)
def dismiss(request: HttpRequest, gap_id: int) -> HttpResponse:
    gap = gaps.access_gap(request.user, gap_id)
    triage_services.dismiss_gap(gap=gap, by=request.user)
    messages.success(request, _("Dismissed: “%s”") % gap.subject)
    return redirect("gaps")


@require_POST
@with_right(Right.ARTICLES)
def take_back(request: HttpRequest, gap_id: int) -> HttpResponse:
    gap = gaps.access_gap(request.user, gap_id)
    triage_services.restore_gap(gap=gap, by=request.user)
    return redirect("gaps")
