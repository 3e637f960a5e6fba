"""Reads on those who ask, and on their organisations."""

from typing import TypeVar

from django.db.models import Count, Q, QuerySet
from django.http import Http404

from appliance.accounts.models import Customer, Organisation, Right, User
from appliance.accounts.queries.teams import has_right

T = TypeVar("T", Customer, Organisation)


def find_customer(*, email: str) -> Customer | None:
    return Customer.objects.filter(email__iexact=email.strip()).first()


def find_customer_of(person: User) -> Customer | None:
    """The customer whose log-in this is, with the organisation."""
    return Customer.objects.select_related("organisation").filter(user=person).first()


def customers_seen_by(viewer: User) -> Q:
    """Of tickets: those of the customer who looks, and of their organisation if it shares them."""
    customer = find_customer_of(viewer)
    if customer is None:
        return Q(pk__in=[])
    organisation = customer.organisation
    if organisation and organisation.shares_tickets:
        return Q(customer__organisation=organisation)  # theirs are among them; an OR asks no index
    return Q(customer=customer)


def list_customers(
    viewer: User, *, text: str = "", organisation: Organisation | None = None
) -> QuerySet[Customer]:
    """By name, for admins and agents who may edit customers; to anybody else none."""
    if not has_right(viewer, Right.CUSTOMERS):
        return Customer.objects.none()
    customers = Customer.objects.select_related("organisation", "user")
    for word in _words(text):
        customers = customers.filter(
            Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
        )
    if organisation:
        customers = customers.filter(organisation=organisation)
    return customers.order_by("last_name", "first_name", "pk")


def access_customer(viewer: User, customer_id: int) -> Customer:
    """Raises Http404 when there is none or the viewer may not edit customers."""
    return _or_404(list_customers(viewer).filter(pk=customer_id).first())


def list_organisations(viewer: User, *, text: str = "") -> QuerySet[Organisation]:
    """By name, each with ``customer_count``; scoped as customers are."""
    if not has_right(viewer, Right.CUSTOMERS):
        return Organisation.objects.none()
    organisations = Organisation.objects.annotate(customer_count=Count("customers"))
    for word in _words(text):
        organisations = organisations.filter(name__icontains=word)
    return organisations.order_by("name", "pk")


def access_organisation(viewer: User, organisation_id: int) -> Organisation:
    return _or_404(list_organisations(viewer).filter(pk=organisation_id).first())


def _words(text: str) -> list[str]:
    return text.replace("\0", "").split()[:5]


def _or_404(row: T | None) -> T:
    if row is None:
        raise Http404
    return row
