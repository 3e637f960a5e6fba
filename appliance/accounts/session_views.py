"""Pages of sessions: the own ones, and what an open page asks about its session."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from appliance.accounts import queries, services
from appliance.accounts.permissions import AuthenticatedRequest


@require_safe
@login_required
def sessions(request: AuthenticatedRequest) -> HttpResponse:
    context = {"sessions": queries.list_sessions(request.user, request.user)}
    return render(request, "accounts/sessions.html", context)


@require_POST
@login_required
def end_session(request: AuthenticatedRequest, public_id: UUID) -> HttpResponse:
    session = queries.access_session(request.user, request.user, public_id)
    services.end_session(session=session, by=request.user)
    messages.success(request, _("The session was ended."))
    return redirect("sessions")


@require_POST
@login_required
def end_other_sessions(request: AuthenticatedRequest) -> HttpResponse:
    key = request.session.session_key
    services.end_all_sessions(person=request.user, by=request.user, but=key)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("sessions")


@require_safe
def session_state(request: HttpRequest) -> HttpResponse:
    """Tell an open page who is logged in, and what its forms must send; 401 for nobody."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    return JsonResponse({"user": request.user.pk, "token": get_token(request)})


@require_safe
@login_required
def session_continued(request: AuthenticatedRequest) -> HttpResponse:
    """Tell somebody who has logged in again to go back to the page they were on."""
    return render(request, "accounts/session_continued.html")
