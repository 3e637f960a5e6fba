"""What admins do for users who cannot get in, and against those who should not be in."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.permissions import (
    AuthenticatedRequest,
    admins_only,
    reauthentication_required,
)
from appliance.manage.forms.sign_in import IdentityProviderForm
from appliance.manage.sections.sign_in import IDENTITY_PROVIDERS
from appliance.manage.views.crud import render_entry_form


@require_POST
@admins_only
def try_identity_provider(request: AuthenticatedRequest, pk: int | None = None) -> HttpResponse:
    """Try the provider as it is in the form, saved or not, and show what is wrong."""
    provider = accounts_queries.access_identity_provider(request.user, pk) if pk else None
    form = IdentityProviderForm(request.POST, provider=provider)
    if form.is_valid():
        form.attempt(
            accounts_services.try_identity_provider, provider=provider, fields={**form.values()}
        )
    errors = [error for errors in form.errors.values() for error in errors]
    if request.htmx:
        return render(request, "manage/_provider_test.html", {"test": {"errors": errors}})
    return render_entry_form(request, IDENTITY_PROVIDERS, form, provider, test={"errors": errors})


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
@reauthentication_required
def reset_second_factor(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Remove the second factor of a user who has lost it."""
    person = accounts_queries.access_person(request.user, pk)
    if accounts_services.reset_second_factor(person=person, by=request.user):
        text = _("%(name)s signs in with the password alone now and was told by e-mail.")
        messages.success(request, text % {"name": person})
    else:
        messages.info(request, _("%(name)s has no second factor.") % {"name": person})
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
