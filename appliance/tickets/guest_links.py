"""Tokens of secret links, through which somebody without a log-in reads one ticket."""

import re
import uuid

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from appliance.tickets.models import Ticket

MAIL_TOKEN = re.compile(r"(\d{1,18})-[0-9a-f]{64}")


def token_of_form(key: uuid.UUID, email: str) -> str:
    """Return 256 bits that only this installation can compute, equal for the same form.

    Whoever has filled in the form for guests gets it; the ticket stores its hash.
    """
    return _sign("guest", f"{key.hex} {email.strip().lower()}")


def token_of_mail(ticket: Ticket) -> str:
    """Return the token for e-mails to the customer's address.

    Nothing of it is stored, and it is void once the customer has another address.
    """
    text = f"{ticket.pk} {ticket.idempotency_key.hex} {ticket.customer.email.lower()}"
    return f"{ticket.pk}-{_sign('guest-mail', text)}"


def ticket_id_of_mail(token: str) -> int | None:
    """Return the id of the ticket that a token for e-mails names; None for any other token."""
    match = MAIL_TOKEN.fullmatch(token)
    return int(match[1]) if match else None


def is_token_of_mail(token: str, ticket: Ticket) -> bool:
    """Return whether the token was made for the ticket and its customer's present address.

    A customer whose account was deactivated is shut out here, too.
    """
    customer = ticket.customer
    is_shut_out = customer.user is not None and not customer.user.is_active
    if not customer.email or customer.anonymised_at or is_shut_out:
        return False
    return constant_time_compare(token, token_of_mail(ticket))


def token_of_rating(ticket: Ticket) -> str:
    """Return the token with which the customer rates the solution from an e-mail, and only that."""
    text = f"{ticket.pk} {ticket.idempotency_key.hex} {ticket.customer.email.lower()}"
    return f"{ticket.pk}-{_sign('rating', text)}"


def is_token_of_rating(token: str, ticket: Ticket) -> bool:
    """Return whether the token was made for the ticket and its customer's present address."""
    is_reachable = bool(ticket.customer.email) and ticket.customer.anonymised_at is None
    return is_reachable and constant_time_compare(token, token_of_rating(ticket))


def _sign(salt: str, text: str) -> str:
    return salted_hmac(salt, text, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
