"""Reads on promises."""

from django.db.models import QuerySet
from django.http import Http404

from appliance.accounts.models import User
from appliance.sla.models import Clock, Escalation, Policy
from appliance.tickets.models import Ticket


def with_due(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Each with its clock, so that a row of a list needs no query of its own."""
    return tickets.select_related("clock")


def find_clock(ticket: Ticket) -> Clock | None:
    """The clock with its policy. Who sees the ticket as an agent may see it."""
    return Clock.objects.select_related("policy").filter(pk=ticket.pk).first()


def list_policies() -> QuerySet[Policy]:
    """Those that count, in order, with what a page says of them."""
    related = ("escalations__team", "escalations__assignee", "categories", "organisations")
    rows = Policy.objects.filter(is_active=True).select_related("calendar")
    return rows.prefetch_related(*related)


def access_policy(viewer: User, pk: int) -> Policy:
    """One that counts; Http404 to anybody but admins."""
    return _found(viewer, list_policies().filter(pk=pk).first())


def access_escalation(viewer: User, pk: int) -> Escalation:
    rows = Escalation.objects.select_related("policy").filter(pk=pk, policy__is_active=True)
    return _found(viewer, rows.first())


def _found(viewer: User, row):
    if row is None or not viewer.is_authenticated or not viewer.is_admin:
        raise Http404
    return row
