"""New tickets of people who are signed in: their own, and those agents take down for others."""

import uuid
from collections.abc import Iterable

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, User
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Channel, Priority, Ticket
from appliance.triage import services as triage_services
from appliance.triage.models import Incident


@transaction.atomic
def create_ticket(
    *,
    by: User,
    subject: str,
    description: str,
    customer: Customer | None = None,
    email: str = "",
    name: str = "",
    priority: Priority = Priority.NORMAL,
    channel: Channel = Channel.PORTAL,
    fields: dict[str, object] | None = None,
    files: Iterable[UploadedFile] = (),
    incident: Incident | None = None,
    idempotency_key: uuid.UUID | None = None,
) -> Ticket:
    """Create a ticket, and the job that will classify it, in one transaction.

    It belongs to ``customer``, else to the customer of ``email``, else to a new customer called
    ``name`` (somebody on the phone), else to ``by``, who used the portal whatever ``channel`` says.
    The same key returns the ticket of the first call and adds nobody. With ``incident`` it becomes
    part of its parent.
    """
    if earlier := tickets_queries.find_created_ticket(by, idempotency_key):
        return earlier
    is_for_customer = bool(customer or email or name)
    is_new_caller = bool(name) and not (customer or email)
    requester = customer or ensure_requester(by=by, email=email, name=name)
    ticket = tickets_services.create_ticket(
        customer=requester,
        subject=subject,
        description=description,
        priority=priority,
        channel=channel if is_for_customer else Channel.PORTAL,
        fields=fields,
        files=files,
        by=by,
        idempotency_key=idempotency_key,
    )
    if is_new_caller and ticket.customer_id != requester.pk:  # the form was sent twice at once
        requester.delete()
        return ticket
    triage_services.queue_annotation(ticket)
    if incident:
        triage_services.join_incident(
            incident=incident, ticket=ticket, by=by if by.is_agent else None
        )
    return ticket


def ensure_requester(*, by: User, email: str, name: str) -> Customer:
    """Return the customer of the address, a new one of the name, or the record of ``by``."""
    if email:
        return accounts_services.ensure_customer(email=email, first_name=name)
    if name:
        return accounts_services.add_customer(first_name=name)
    return accounts_services.ensure_customer_of(by)
