"""What admins do for users who cannot get in, and against those who should not be in."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.permissions import AuthenticatedRequest, admins_only


@require_POST
@admins_only
def end_session(request: AuthenticatedRequest, pk: int, public_id: UUID) -> HttpResponse:
    """Log a user out in one browser."""
    person = accounts_queries.access_person(request.user, pk)
    session = accounts_queries.access_session(request.user, person, public_id)
    accounts_services.end_session(session=session, by=request.user)
    messages.success(request, _("The session was ended."))
    return redirect("edit-person", person.pk)


@require_POST
@admins_only
def end_all_sessions(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Log a user out everywhere; an admin who does this to themselves keeps this session."""
    person = accounts_queries.access_person(request.user, pk)
    key = request.session.session_key
    accounts_services.end_all_sessions(person=person, by=request.user, but=key)
    messages.success(request, _("%(name)s is signed out everywhere.") % {"name": person})
    return redirect("edit-person", person.pk)
