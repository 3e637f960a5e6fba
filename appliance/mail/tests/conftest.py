"""A mailbox, and e-mails as they come in."""

from email.message import EmailMessage

import pytest

from appliance.mail.models import Mailbox
from appliance.notifications.models import SenderAddress

DESK = "desk@example.org"


def compose(
    text: str = "The printer prints blank pages.",
    *,
    sender: str = "Alice Test <alice@example.org>",
    to: str = DESK,
    subject: str = "Printer",
    message_id: str = "<1@example.org>",
    **headers: str,
) -> bytes:
    """Return an e-mail as a mail server hands it over; ``_`` in the name of a header is ``-``."""
    return message(text, sender, to, subject, message_id, **headers).as_bytes(
        policy=EmailMessage().policy.clone(linesep="\r\n")
    )


def message(
    text: str, sender: str, to: str, subject: str, message_id: str, **headers: str
) -> EmailMessage:
    email = EmailMessage()
    email["From"], email["To"], email["Subject"] = sender, to, subject
    email["Date"] = "Sun, 29 Nov 2026 12:00:00 +0000"
    if message_id:
        email["Message-ID"] = message_id
    for name, value in headers.items():
        email[name.replace("_", "-")] = value
    email.set_content(text)
    return email


@pytest.fixture
def mailbox(db) -> Mailbox:
    """The mailbox of the desk, which mail servers deliver to."""
    address = SenderAddress.objects.create(address=DESK, display_name="Help desk", is_default=True)
    return Mailbox.objects.create(name="Desk", kind=Mailbox.Kind.DELIVERED, sender_address=address)
