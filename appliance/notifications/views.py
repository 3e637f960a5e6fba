"""The badge, the page of notifications, their settings, and the outbox."""

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
from appliance.notifications import badge, queries, services
from appliance.notifications.forms import EmailFilterForm, PreferencesForm


@require_safe
@login_required
def index(request: AuthenticatedRequest) -> HttpResponse:
    only_unread = request.GET.get("show") == "unread"
    notifications = queries.list_notifications(request.user, only_unread=only_unread)
    cursor = request.GET.get("after", "")
    context = {
        "page": paginate(notifications, queries.NOTIFICATION_ORDERING, after=cursor),
        "only_unread": only_unread,
        "unread": badge.count_unread(request.user),
    }
    return render(request, "notifications/index.html", context)


@require_safe
@login_required
def show_badge(request: AuthenticatedRequest) -> HttpResponse:
    """Render the badge again, or answer 204 when it shows the right number since ``since``."""
    generation = badge.generation(request.user)
    if generation is not None and request.GET.get("since") == str(generation):
        return HttpResponse(status=204)
    return render(request, "notifications/_badge.html", badge.badge_context(request.user))


@require_POST
@login_required
def mark_read(request: AuthenticatedRequest, notification_id: int) -> HttpResponse:
    services.mark_read(user=request.user, notification_id=notification_id)
    return redirect("notifications")


@require_POST
@login_required
def mark_all_read(request: AuthenticatedRequest) -> HttpResponse:
    services.mark_all_read(user=request.user)
    return redirect("notifications")


@require_http_methods(["GET", "POST"])
@login_required
def edit_settings(request: AuthenticatedRequest) -> HttpResponse:
    preference = queries.find_preference(request.user)
    data = request.POST if request.method == "POST" else None  # no box ticked is a choice, too
    form = PreferencesForm(data, user=request.user, preference=preference)
    if form.is_valid():
        form.attempt(services.set_preferences, user=request.user, **form.values())
        if not form.errors:
            messages.success(request, _("Notification settings saved."))
            return redirect("notification-settings")
    context = {"form": form, "has_smtp": queries.has_smtp()}
    status = 400 if form.errors else 200
    return render(request, "notifications/settings.html", context, status=status)


@require_safe
@login_required
def outbox(request: AuthenticatedRequest) -> HttpResponse:
    _require_admin(request)
    form = EmailFilterForm(request.GET)
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
def retry_email(request: AuthenticatedRequest, email_id: int) -> HttpResponse:
    _require_admin(request)
    return _change_email(
        request, services.retry_email, email_id, _("The e-mail will be sent again.")
    )


@require_POST
@login_required
def cancel_email(request: AuthenticatedRequest, email_id: int) -> HttpResponse:
    _require_admin(request)
    return _change_email(
        request, services.cancel_email, email_id, _("The e-mail will not be sent.")
    )


def _change_email(
    request: AuthenticatedRequest, service: Callable[..., None], email_id: int, success: str
) -> HttpResponse:
    try:
        service(email_id=email_id, by=request.user)
        messages.success(request, success)
    except BadInputError as error:  # another admin or the worker was faster
        messages.error(request, str(error))
    return redirect("outbox")


def _require_admin(request: AuthenticatedRequest) -> None:
    if not request.user.is_admin:
        raise ForbiddenError(_("Only administrators can see the outbox."))
