"""Actions on users, customers, organisations and tags that only these have."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.accounts.permissions import (
    AuthenticatedRequest,
    admins_only,
    reauthentication_required,
    restricted_to,
)
from appliance.core.errors import BadInputError
from appliance.core.views import page_url
from appliance.manage.forms.people import MergeOrganisationForm
from appliance.manage.forms.tickets import MergeTagForm
from appliance.manage.sections.people import CUSTOMERS, ORGANISATIONS, PEOPLE, may_edit_customers
from appliance.manage.sections.section import Section
from appliance.manage.sections.tickets import TAGS
from appliance.manage.views.crud import post_data, render_action
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services


@require_http_methods(["GET", "POST"])
@admins_only
def merge_tag(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    tag = tickets_queries.access_tag(request.user, pk)
    form = MergeTagForm(post_data(request), viewer=request.user, tag=tag)
    if form.is_valid():
        target = form.cleaned_data["target"]
        form.attempt(tickets_services.merge_tags, source=tag, target=target, by=request.user)
        if not form.errors:
            messages.success(request, _("Merged into %(name)s.") % {"name": target})
            return redirect("edit-tag", target.pk)
    return render_action(
        request,
        TAGS,
        tag,
        form,
        title=_("Merge %(name)s into another tag") % {"name": tag},
        about=_("Its tickets and saved views get the other tag; this one is removed."),
        button=_("Merge"),
    )


@require_POST
@admins_only
@reauthentication_required
@never_cache
def invite(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Create a new link to set a password and show it once; only its hash is stored."""
    person = accounts_queries.access_person(request.user, pk)
    try:
        token = accounts_services.invite(person=person, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
        return redirect("edit-person", person.pk)
    return _render_invitation(request, PEOPLE, person.pk, person, token)


@require_POST
@admins_only
@reauthentication_required
@never_cache
def create_login(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Create a user for a customer known by e-mail, and the link to set its password."""
    customer = accounts_queries.access_customer(request.user, pk)
    try:
        token = accounts_services.create_login(customer=customer, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
        return redirect("edit-customer", customer.pk)
    person = accounts_queries.access_invitation(token).person
    return _render_invitation(request, CUSTOMERS, customer.pk, person, token)


@require_POST
@restricted_to(may_edit_customers)
def confirm_login(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Confirm that the user account of a customer belongs to its address."""
    customer = accounts_queries.access_customer(request.user, pk)
    try:
        customer = accounts_services.confirm_login(customer=customer, by=request.user)
    except BadInputError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("User account confirmed."))
    return redirect("edit-customer", customer.pk)


@require_POST
@restricted_to(may_edit_customers)
def clear_undeliverable(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Remove the mark that e-mails to a customer come back."""
    customer = accounts_queries.access_customer(request.user, pk)
    accounts_services.clear_undeliverable(customer=customer, by=request.user)
    messages.success(request, _("%(name)s saved.") % {"name": customer})
    return redirect("edit-customer", customer.pk)


@require_POST
@admins_only
def unlink_customer(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    customer = accounts_queries.access_customer(request.user, pk)
    accounts_services.unlink_customer(customer=customer, by=request.user)
    messages.success(
        request, _("The user account no longer has access to this customer's tickets.")
    )
    return redirect("edit-customer", customer.pk)


@require_http_methods(["GET", "POST"])
@restricted_to(may_edit_customers)
def merge_organisation(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    source = accounts_queries.access_organisation(request.user, pk)
    form = MergeOrganisationForm(post_data(request), viewer=request.user, organisation=source)
    if form.is_valid():
        target = form.cleaned_data["target"]
        form.attempt(
            accounts_services.merge_organisations, source=source, target=target, by=request.user
        )
        if not form.errors:
            messages.success(request, _("Merged into %(name)s.") % {"name": target})
            return redirect("edit-organisation", target.pk)
    return render_action(
        request,
        ORGANISATIONS,
        source,
        form,
        title=_("Merge %(name)s into another organisation") % {"name": source},
        about=_("Its customers move to the other organisation; this one is removed."),
        button=_("Merge"),
    )


def _render_invitation(
    request: AuthenticatedRequest, section: Section[Any], pk: int, person: User, token: str
) -> HttpResponse:
    link = page_url(request, "set-password", token)
    context = {"section": section, "pk": pk, "person": person, "link": link}
    return render(request, "manage/invitation.html", context)
