"""The bell, the page of notices, what one wants to be told, and the outbox."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.permissions import AuthenticatedRequest
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.pagination import paginate
from appliance.notifications import queries, services
from appliance.notifications.forms import MailFilterForm, PreferencesForm


@require_safe
@login_required
def index(request: AuthenticatedRequest) -> HttpResponse:
    only_unread = request.GET.get("show") == "unread"
    notifications = queries.list_notifications(request.user, only_unread=only_unread)
    context = {
        "page": paginate(
            notifications, queries.NOTIFICATION_ORDERING, after=request.GET.get("after", "")
        ),
        "only_unread": only_unread,
        "unread": queries.count_unread(request.user),
    }
    return render(request, "notifications/index.html", context)


@require_safe
@login_required
def bell(request: AuthenticatedRequest) -> HttpResponse:
    """The bell again, or 204 when it shows the right number since ``since``."""
    generation = queries.badge_generation(request.user)
    if generation is not None and request.GET.get("since") == str(generation):
        return HttpResponse(status=204)
    return render(request, "notifications/_live_bell.html")


@require_POST
@login_required
def read(request: AuthenticatedRequest, notice_id: int) -> HttpResponse:
    services.mark_read(user=request.user, notice_id=notice_id)
    return redirect("notifications")


@require_POST
@login_required
def read_all(request: AuthenticatedRequest) -> HttpResponse:
    services.mark_all_read(user=request.user)
    return redirect("notifications")


@require_http_methods(["GET", "POST"])
@login_required
def preferences(request: AuthenticatedRequest) -> HttpResponse:
    chosen = queries.find_preference(request.user)
    sent = request.POST if request.method == "POST" else None  # nothing ticked is a choice, too
    form = PreferencesForm(sent, user=request.user, chosen=chosen)
    if form.is_valid():
        form.attempt(services.set_preferences, user=request.user, **form.values())
        if not form.errors:
            messages.success(request, _("Notification settings saved."))
            return redirect("notice-preferences")
    context = {"form": form, "has_smtp": queries.has_smtp()}
    status = 400 if form.errors else 200
    return render(request, "notifications/preferences.html", context, status=status)


@require_safe
@login_required
def outbox(request: AuthenticatedRequest) -> HttpResponse:
    _admins_only(request)
    form = MailFilterForm(request.GET)
    filters = form.filters()
    emails = queries.list_emails(request.user, filters)
    context = {
        "page": paginate(emails, queries.EMAIL_ORDERING, after=request.GET.get("after", "")),
        "form": form,
        "filters": filters,
        "counts": queries.count_emails(request.user),
        "has_smtp": queries.has_smtp(),
    }
    return render(request, "notifications/outbox.html", context)


@require_POST
@login_required
def retry(request: AuthenticatedRequest, mail_id: int) -> HttpResponse:
    _admins_only(request)
    return _done(request, services.retry_email, mail_id, _("The e-mail will be sent again."))


@require_POST
@login_required
def drop(request: AuthenticatedRequest, mail_id: int) -> HttpResponse:
    _admins_only(request)
    return _done(request, services.drop_email, mail_id, _("The e-mail will not be sent."))


def _done(request: AuthenticatedRequest, verb: Callable, mail_id: int, reason: str) -> HttpResponse:
    try:
        verb(mail_id=mail_id, by=request.user)
        messages.success(request, reason)
    except BadInputError as error:  # somebody or the worker was faster
        messages.error(request, str(error))
    return redirect("outbox")


def _admins_only(request: AuthenticatedRequest) -> None:
    if not request.user.is_admin:
        raise ForbiddenError(_("Only administrators can see the outbox."))
