"""Users who leave, and personal data: deactivation, export, anonymisation, merging."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, User
from appliance.accounts.permissions import (
    AuthenticatedRequest,
    admins_only,
    reauthentication_required,
)
from appliance.manage.forms.people import ConfirmationForm, HandoverForm, MergeCustomerForm
from appliance.manage.sections.people import CUSTOMERS, PEOPLE
from appliance.manage.sections.section import Section
from appliance.manage.views.crud import post_data, render_action
from appliance.web import services as web_services
from appliance.web.queries import count_open_tickets_of


@require_http_methods(["GET", "POST"])
@admins_only
def deactivate_person(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Deactivate a user and reassign their open tickets; what they did stays."""
    person = accounts_queries.access_person(request.user, pk)
    form = HandoverForm(post_data(request), person=person)
    if form.is_valid():
        form.attempt(
            web_services.deactivate_person, person=person, by=request.user, **form.cleaned_data
        )
        if not form.errors:
            messages.success(request, _("%(name)s deactivated.") % {"name": person})
            return redirect("edit-person", person.pk)
    return render_action(
        request,
        PEOPLE,
        person,
        form,
        title=_("Deactivate %(name)s") % {"name": person},
        about=_describe_deactivation(count_open_tickets_of(person)),
        button=_("Deactivate"),
        is_dangerous=True,
    )


def _describe_deactivation(count: int) -> str:
    tickets = ngettext(
        "%(count)d open ticket is assigned to this user.",
        "%(count)d open tickets are assigned to this user.",
        count,
    ) % {"count": count}
    effect = _("They are logged out at once. What they wrote stays.")
    return f"{effect} {tickets}"


@require_POST
@admins_only
@reauthentication_required
def export_person(request: AuthenticatedRequest, pk: int) -> StreamingHttpResponse:
    person = accounts_queries.access_person(request.user, pk)
    return _zip_response(web_services.export_person(person=person, by=request.user), f"person-{pk}")


@require_POST
@admins_only
@reauthentication_required
def export_customer(request: AuthenticatedRequest, pk: int) -> StreamingHttpResponse:
    customer = accounts_queries.access_customer(request.user, pk)
    chunks = web_services.export_customer(customer=customer, by=request.user)
    return _zip_response(chunks, f"customer-{pk}")


def _zip_response(chunks: Iterator[bytes], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(chunks, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return response


@require_http_methods(["GET", "POST"])
@admins_only
@reauthentication_required
def anonymise_person(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    person = accounts_queries.access_person(request.user, pk)
    form = ConfirmationForm(post_data(request))
    if form.is_valid():
        form.attempt(
            web_services.anonymise_person, person=person, by=request.user, **form.cleaned_data
        )
        if not form.errors:
            messages.success(request, _("User anonymised."))
            return redirect("people")
    about = _("Name and e-mail address are removed everywhere. Messages to others are kept.")
    return _render_anonymisation(request, PEOPLE, person, form, about)


@require_http_methods(["GET", "POST"])
@admins_only
@reauthentication_required
def anonymise_customer(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    customer = accounts_queries.access_customer(request.user, pk)
    form = ConfirmationForm(post_data(request))
    if form.is_valid():
        form.attempt(
            web_services.anonymise_customer, customer=customer, by=request.user, **form.cleaned_data
        )
        if not form.errors:
            messages.success(request, _("Customer anonymised."))
            return redirect("customers")
    about = _(
        "Name, e-mail address, user account, and all texts and attachments of the "
        "customer's tickets are deleted. Report figures are kept."
    )
    return _render_anonymisation(request, CUSTOMERS, customer, form, about)


def _render_anonymisation(
    request: AuthenticatedRequest,
    section: Section[Any],
    person: User | Customer,
    form: ConfirmationForm,
    about: str,
) -> HttpResponse:
    warning = _("This cannot be undone.")
    return render_action(
        request,
        section,
        person,
        form,
        title=_("Anonymise %(name)s") % {"name": person},
        about=f"{about} {warning}",
        button=_("Anonymise"),
        is_dangerous=True,
    )


@require_http_methods(["GET", "POST"])
@admins_only
def merge_customer(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    source = accounts_queries.access_customer(request.user, pk)
    form = MergeCustomerForm(post_data(request), viewer=request.user, customer=source)
    if form.is_valid():
        target = form.cleaned_data["target"]
        form.attempt(web_services.merge_customers, source=source, target=target, by=request.user)
        if not form.errors:
            messages.success(request, _("Merged into %(name)s.") % {"name": target})
            return redirect("edit-customer", target.pk)
    return render_action(
        request,
        CUSTOMERS,
        source,
        form,
        title=_("Merge %(name)s into another customer") % {"name": source},
        about=_("For a customer with two e-mail addresses."),
        button=_("Merge"),
        is_dangerous=True,
    )
