"""People who leave, and what the desk knows of somebody: taken along, or forgotten."""

from collections.abc import Iterator

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, User
from appliance.accounts.permissions import AuthenticatedRequest, admins_only
from appliance.manage.forms.people import HandOverForm, MergeCustomerForm, TypedForm
from appliance.manage.sections.people import CUSTOMERS, PEOPLE
from appliance.manage.views.crud import form_page, sent
from appliance.web import services as web_services
from appliance.web.queries import count_open_tickets_of


@require_http_methods(["GET", "POST"])
@admins_only
def deactivate_person(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """What they did stays; their open tickets go to somebody else."""
    person = accounts_queries.access_person(request.user, pk)
    form = HandOverForm(sent(request), person=person)
    if form.is_valid():
        form.attempt(
            web_services.deactivate_person, person=person, by=request.user, **form.cleaned_data
        )
        if not form.errors:
            messages.success(request, _("%(name)s deactivated.") % {"name": person})
            return redirect("edit-person", person.pk)
    return form_page(
        request,
        PEOPLE,
        person,
        form,
        title=_("Deactivate %(name)s") % {"name": person},
        about=_leaves(count_open_tickets_of(person)),
        button=_("Deactivate"),
        is_grave=True,
    )


def _leaves(count: int) -> str:
    waiting = ngettext(
        "%(count)d open ticket is assigned to this user.",
        "%(count)d open tickets are assigned to this user.",
        count,
    ) % {"count": count}
    return f"{_('They are logged out at once. What they wrote stays.')} {waiting}"


@require_POST
@admins_only
def export_person(request: AuthenticatedRequest, pk: int) -> StreamingHttpResponse:
    person = accounts_queries.access_person(request.user, pk)
    return _zip(web_services.export_person(person=person, by=request.user), f"person-{pk}")


@require_POST
@admins_only
def export_customer(request: AuthenticatedRequest, pk: int) -> StreamingHttpResponse:
    customer = accounts_queries.access_customer(request.user, pk)
    return _zip(web_services.export_customer(customer=customer, by=request.user), f"customer-{pk}")


def _zip(pieces: Iterator[bytes], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "POST"])
@admins_only
def anonymise_person(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    person = accounts_queries.access_person(request.user, pk)
    form = TypedForm(sent(request))
    if form.is_valid():
        form.attempt(
            web_services.anonymise_person, person=person, by=request.user, **form.cleaned_data
        )
        if not form.errors:
            messages.success(request, _("User anonymised."))
            return redirect("people")
    about = _("Name and e-mail address are removed everywhere. Messages to others are kept.")
    return _forget_page(request, PEOPLE, person, form, about)


@require_http_methods(["GET", "POST"])
@admins_only
def anonymise_customer(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    customer = accounts_queries.access_customer(request.user, pk)
    form = TypedForm(sent(request))
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
    return _forget_page(request, CUSTOMERS, customer, form, about)


def _forget_page(
    request: AuthenticatedRequest, section, row: User | Customer, form: TypedForm, about: str
) -> HttpResponse:
    title = _("Anonymise %(name)s") % {"name": row}
    about = f"{about} {_('This cannot be undone.')}"
    button = _("Anonymise")
    return form_page(
        request, section, row, form, title=title, about=about, button=button, is_grave=True
    )


@require_http_methods(["GET", "POST"])
@admins_only
def merge_customer(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    source = accounts_queries.access_customer(request.user, pk)
    form = MergeCustomerForm(sent(request), viewer=request.user, customer=source)
    if form.is_valid():
        target = form.cleaned_data["target"]
        form.attempt(web_services.merge_customers, source=source, target=target, by=request.user)
        if not form.errors:
            messages.success(request, _("Merged into %(name)s.") % {"name": target})
            return redirect("edit-customer", target.pk)
    return form_page(
        request,
        CUSTOMERS,
        source,
        form,
        title=_("Merge %(name)s into another customer") % {"name": source},
        about=_("For a customer with two e-mail addresses."),
        button=_("Merge"),
        is_grave=True,
    )
