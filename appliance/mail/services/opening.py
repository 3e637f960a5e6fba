"""Open a ticket with an e-mail."""

from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer
from appliance.mail import answers, queries, threads
from appliance.mail.models import Mailbox
from appliance.mail.services.incoming import Incoming
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Channel, Ticket, TicketLink
from appliance.triage import services as triage_services

MAX_CC = 10
MAX_NAME = 80


def open_ticket(incoming: Incoming) -> None:
    """Open a ticket for the sender, or do with an unknown one what the mailbox is set to do."""
    email = incoming.email
    user = accounts_queries.find_user(email=incoming.sender)
    if user and not user.is_active:
        incoming.refuse(answers.deactivated(), _("The user account is deactivated."))
        return
    customer = accounts_queries.find_customer(email=incoming.sender)
    if customer and customer.user and not customer.user.is_active:
        incoming.refuse(answers.deactivated(), _("The user account is deactivated."))
        return
    if customer is None and user and user.email_confirmed_at:
        customer = accounts_services.ensure_customer_of(user)
    rule = email.mailbox.unknown_senders if email.mailbox else Mailbox.UnknownSenders.CREATE
    if customer is None and not email.accepted_by and rule == Mailbox.UnknownSenders.HOLD:
        incoming.hold(_("The sender is unknown."))
    elif customer is None and not email.accepted_by and rule == Mailbox.UnknownSenders.REFUSE:
        incoming.refuse(answers.refusal(), _("The sender is unknown."))
    else:
        _open(incoming, customer or _add_customer(incoming))


def open_follow_up(incoming: Incoming, closed: Ticket) -> None:
    """Open a ticket for a reply to a closed one, in its team and linked with it."""
    customer = accounts_queries.find_customer(email=incoming.sender) or _add_customer(incoming)
    if threads.is_customer(closed, incoming.sender):
        customer = closed.customer
    ticket = _open(incoming, customer, after=closed)
    tickets_services.link_tickets(
        source=ticket, target=closed, kind=TicketLink.Kind.RELATED, by=None
    )


def _add_customer(incoming: Incoming) -> Customer:
    first_name, _space, last_name = incoming.email.sender_name.partition(" ")
    return accounts_services.ensure_customer(
        email=incoming.sender,
        first_name=first_name[:MAX_NAME] or incoming.sender.partition("@")[0][:MAX_NAME],
        last_name=last_name[:MAX_NAME],
    )


def _open(incoming: Incoming, customer: Customer, *, after: Ticket | None = None) -> Ticket:
    """Create the ticket; ``after`` is a closed one whose team and category it gets."""
    email = incoming.email
    place = after or email.mailbox
    team = place.team if place and place.team and place.team.is_active else None
    category = place.category if place and place.category and place.category.is_active else None
    ticket = tickets_services.create_ticket(
        customer=customer,
        subject=email.subject[:200] or _("(no subject)"),
        description=incoming.body,
        by=None,
        channel=Channel.EMAIL,
        team=team,
        category=category,
        files=incoming.files(),
        is_automatic=email.wants_no_answer,
    )
    _add_participants(incoming, ticket)
    triage_services.queue_annotation(ticket)
    incoming.settle(ticket)
    return ticket


def _add_participants(incoming: Incoming, ticket: Ticket) -> None:
    """Let those in Cc take part, who got the e-mail, too."""
    if incoming.email.is_automatic:
        return
    people = [
        (address.name, address.email)
        for address in incoming.parsed.cc
        if not queries.is_own(address.email)
        and not queries.is_blocked(address.email)
        and not threads.find_agent(address.email)
        and not threads.is_customer(ticket, address.email)
    ]
    if people:
        tickets_services.add_participants(ticket=ticket, by=None, people=people[:MAX_CC])
