"""Services that correct what a ticket was created with: its subject, its customer, its channel."""

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer, User
from appliance.core.errors import BadInputError
from appliance.tickets.event_data import ChannelData, SubjectData
from appliance.tickets.models import Channel, Event, Ticket
from appliance.tickets.services.events import lock, record, relation_change, require_agent, save


def set_subject(*, ticket: Ticket, subject: str, by: User) -> None:
    """Change the subject. The language models read the ticket again."""
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        if locked.subject != subject:
            data: SubjectData = {"from": locked.subject, "to": subject}
            locked.subject = subject
            save(locked, "subject")
            record(locked, Event.Kind.SUBJECT, by, data=data)
    ticket.refresh_from_db()


def set_requester(*, ticket: Ticket, customer: Customer, by: User) -> None:
    """Give the ticket to another customer, who reads all of it from now on.

    The customer it had reads it no longer; the secret link of their form is void.
    """
    require_agent(by)
    if customer.anonymised_at:
        raise BadInputError(
            _("This customer has been anonymised. Choose another one."), field="customer_email"
        )
    with transaction.atomic():
        locked = lock(ticket)
        if locked.customer_id != customer.pk:
            data = relation_change(locked.customer, customer)
            locked.customer, locked.guest_token_sha256 = customer, ""
            save(locked, "customer", "guest_token_sha256")
            record(locked, Event.Kind.REQUESTER, by, data=data)
    ticket.refresh_from_db()


def set_channel(*, ticket: Ticket, channel: Channel, by: User) -> None:
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        if locked.channel != channel:
            data: ChannelData = {"from": locked.channel, "to": str(channel)}
            locked.channel = channel
            save(locked, "channel")
            record(locked, Event.Kind.CHANNEL, by, data=data)
    ticket.refresh_from_db()
