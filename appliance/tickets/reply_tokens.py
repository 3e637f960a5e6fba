"""Tokens in outgoing e-mails, by which an answer finds its ticket.

A token stands in the Reply-To address and in the Message-ID of each e-mail about a ticket. It names
the ticket and the recipient, and only this installation can compute it: a number in a subject or a
guessed Message-ID never joins an e-mail to a ticket (compare CVE-2026-47123 of FreeScout).
"""

import base64
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.crypto import salted_hmac

MAC_BYTES = 20  # of HMAC-SHA-256: as many as the local part of an address has room for (64 octets)
# mail servers may change the case of a local part: base32 has one
TOKEN = re.compile(r"(?<![0-9a-z])(\d{1,18})-([a-z]\d{1,18})-([a-z2-7]{32})(?![0-9a-z])", re.I)
MAX_TOKENS = 50  # of one text, so that a hostile one costs little


@dataclass(frozen=True)
class ReplyToken:
    """What a valid token says: the ticket, and to whom the e-mail with it was sent.

    ``recipient`` is a letter for the kind (``c`` customer, ``u`` user, ``p`` participant,
    ``s`` supplier) and the id of the row.
    """

    ticket_id: int
    recipient: str


def make_token(ticket_id: int, recipient: str) -> str:
    """Return the token for e-mails about a ticket to one recipient, 36 to 64 characters."""
    return f"{ticket_id}-{recipient}-{_sign(ticket_id, recipient)}"


def address_with_token(address: str, token: str) -> str:
    """Return ``desk+token@example.org`` for ``desk@example.org``.

    The address unchanged if its local part would be longer than 64 octets (RFC 5321, 4.5.3.1.1).
    """
    local_part, _, domain = address.rpartition("@")
    extended = f"{local_part}+{token}"
    return f"{extended}@{domain}" if len(extended) <= 64 else address


def find_tokens(text: str) -> Iterator[ReplyToken]:
    """Yield the valid tokens in a text, such as an address or a References header, in order."""
    for number, match in enumerate(TOKEN.finditer(text)):
        if number == MAX_TOKENS:
            return
        ticket_id, recipient = int(match[1]), match[2].lower()
        if hmac.compare_digest(match[3].lower(), _sign(ticket_id, recipient)):
            yield ReplyToken(ticket_id, recipient)


def _sign(ticket_id: int, recipient: str) -> str:
    digest = salted_hmac(
        "reply", f"{ticket_id}:{recipient}", secret=settings.SECRET_KEY, algorithm="sha256"
    ).digest()
    return base64.b32encode(digest[:MAC_BYTES]).decode().lower()
