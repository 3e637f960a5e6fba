"""Which ticket an e-mail belongs to, and who its author is to that ticket.

The reply token decides, because only a recipient of our e-mails has it. A Message-ID that we know,
or a number in the subject, joins a ticket only if the sender takes part in it already. See
docs/decisions/0028-join-e-mails-to-tickets-by-signed-tokens.md.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.accounts.queries import is_same_address
from appliance.mail.identity import clean_message_id
from appliance.mail.models import InboundEmail
from appliance.mail.parsing import ParsedEmail
from appliance.notifications.models import OutgoingEmail
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import Participant, Ticket
from appliance.tickets.reply_tokens import ReplyToken, find_tokens

NUMBER = re.compile(r"\bSKR-(\d{1,18})\b", re.IGNORECASE)
MAX_NUMBERS = 5
MAX_REFERENCES = 100
MAX_IDS = 20  # of tickets that the referenced e-mails belong to
RELATED = ("customer__user", "team", "category")


@dataclass(frozen=True)
class Thread:
    """The ticket an e-mail belongs to; without ``token`` the sender is known by the address."""

    ticket: Ticket
    token: ReplyToken | None = None


def find_thread(parsed: ParsedEmail, envelope_recipients: list[str], sender: str) -> Thread | None:
    """Return the thread of an e-mail, or None if it begins one."""
    for token in _list_tokens(parsed, envelope_recipients):
        ticket = _find_ticket(token.ticket_id)
        if ticket and _is_still_recipient(ticket, token):
            return Thread(ticket, token)
    for ticket in [*_list_referenced(parsed), *_list_numbered(parsed.subject)]:
        if is_party(ticket, sender):
            return Thread(ticket)
    return None


def _is_still_recipient(ticket: Ticket, token: ReplyToken) -> bool:
    """Return whether whoever the token was sent to is still the customer or takes part.

    A ticket that was given to another customer, and a participant who was removed, are closed to
    those who still have an old e-mail.
    """
    recipient_id = int(token.recipient[1:])
    match token.recipient[0]:
        case "c":
            return ticket.customer_id == recipient_id
        case "p":
            participants = tickets_queries.list_participants(ticket)
            return participants.filter(pk=recipient_id).exists()
    return True


def _list_tokens(parsed: ParsedEmail, envelope_recipients: list[str]) -> Iterator[ReplyToken]:
    """Yield the valid tokens: of the recipients first, then of the e-mails it answers."""
    for text in (*envelope_recipients, *parsed.recipients, *reversed(list_references(parsed))):
        yield from find_tokens(text)


def list_references(parsed: ParsedEmail) -> list[str]:
    """Return the Message-IDs that the e-mail answers, the nearest last."""
    ids = [*parsed.references, *parsed.in_reply_to]
    return [clean_message_id(text) for text in ids][-MAX_REFERENCES:]


def _list_referenced(parsed: ParsedEmail) -> list[Ticket]:
    """Return the tickets of e-mails that we sent or received and this one answers."""
    ids = list_references(parsed)
    if not ids:
        return []
    received = InboundEmail.objects.filter(header_message_id__in=ids, ticket__isnull=False)
    sent = OutgoingEmail.objects.filter(message_id__in=[f"<{text}>" for text in ids])
    emails = [received, sent.exclude(ticket=None)]
    ticket_ids = [pk for rows in emails for pk in rows.values_list("ticket", flat=True)[:MAX_IDS]]
    return _find_tickets(dict.fromkeys(pk for pk in ticket_ids if pk))


def _list_numbered(subject: str) -> list[Ticket]:
    numbers = dict.fromkeys(int(number) for number in NUMBER.findall(subject))
    return _find_tickets([*numbers][:MAX_NUMBERS])


def _find_tickets(ticket_ids: Iterable[int]) -> list[Ticket]:
    tickets = [_find_ticket(ticket_id) for ticket_id in ticket_ids]
    return [ticket for ticket in tickets if ticket]


def _find_ticket(ticket_id: int) -> Ticket | None:
    """Return the ticket, or the one of the same customer that it was merged into."""
    ticket = Ticket.objects.select_related(*RELATED).filter(pk=ticket_id).first()
    while ticket and ticket.merged_into_id:
        target = Ticket.objects.select_related(*RELATED).get(pk=ticket.merged_into_id)
        if target.customer_id != ticket.customer_id:
            break
        ticket = target
    return ticket


def is_party(ticket: Ticket, address: str) -> bool:
    """Return whether the address is of the customer, a participant or an agent of the ticket."""
    agent = find_agent(address)
    return (
        is_customer(ticket, address)
        or find_participant(ticket, address) is not None
        or (agent is not None and tickets_queries.can_act(agent, ticket))
    )


def is_customer(ticket: Ticket, address: str) -> bool:
    customer = ticket.customer
    addresses = {customer.email, customer.user.email if customer.user else ""}
    return any(known and is_same_address(known, address) for known in addresses)


def find_participant(ticket: Ticket, address: str) -> Participant | None:
    participants = tickets_queries.list_participants(ticket)
    return next((row for row in participants if is_same_address(row.email, address)), None)


def find_agent(address: str) -> User | None:
    """Return the active agent with this address."""
    user = accounts_queries.find_user(email=address)
    return user if user and user.is_agent and user.is_active else None
