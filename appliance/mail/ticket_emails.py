"""The e-mails of a ticket as its page shows them, under the rule of the messages they became."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import F, Q
from django.db.models.functions import Left
from django.db.models.lookups import GreaterThan
from django.http import Http404
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from appliance.accounts.models import Viewer
from appliance.files import queries as files_queries
from appliance.mail.models import InboundEmail
from appliance.mail.parsing import Note, replace_content_ids
from appliance.mail.parsing import headers as email_headers
from appliance.mail.parsing.limits import MAX_HEADER_BYTES
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import Attachment
from appliance.tickets.reply_tokens import find_tokens

MAX_RECIPIENTS = 5  # shown on the page of the ticket; all are in the headers
MAX_QUOTED_CHARACTERS = 20_000  # shown on the page of the ticket; the e-mail's own page has more


@dataclass(frozen=True)
class TicketEmails:
    """E-mails by the message they became, and those a ticket began with by its id."""

    of_messages: Mapping[int, InboundEmail] = field(default_factory=dict)
    of_tickets: Mapping[int, InboundEmail] = field(default_factory=dict)


NO_EMAILS = TicketEmails()


def list_emails(ticket_ids: Iterable[int], message_ids: Iterable[int]) -> TicketEmails:
    """Return the e-mails of texts that the viewer may read; long ones with their beginning.

    Each has ``quoted_opening`` instead of its quoted text, and ``has_html``. One query.
    """
    began_tickets = Q(message=None, reason="", ticket__in=ticket_ids)
    emails = (
        InboundEmail.objects.filter(state=InboundEmail.State.PROCESSED)
        .filter(Q(message__in=message_ids) | began_tickets)
        .annotate(
            quoted_opening=Left("quoted_text", MAX_QUOTED_CHARACTERS),
            has_html=GreaterThan(F("html"), ""),
        )
        .defer("quoted_text", "html")
        .order_by("-pk")
    )
    return TicketEmails(
        {email.message_id: email for email in emails if email.message_id},
        {email.ticket_id: email for email in emails if email.ticket_id and not email.message_id},
    )


def access_email(viewer: Viewer, email_id: int) -> InboundEmail:
    """Return the e-mail of a message or of a ticket that the viewer may read. Raises Http404."""
    emails = InboundEmail.objects.filter(state=InboundEmail.State.PROCESSED)
    email = emails.select_related("source", "ticket", "message").filter(pk=email_id).first()
    if email is None or email.ticket_id is None or (email.reason and not email.message_id):
        raise Http404
    if email.message_id:
        tickets_queries.access_message(viewer, email.message_id)
    else:
        tickets_queries.access_ticket(viewer, email.ticket_id)
    return email


@dataclass(frozen=True)
class EmailPage:
    """An e-mail with what its page shows of it."""

    email: InboundEmail

    @property
    def html(self) -> SafeString:
        """The HTML, which the parser has made safe, with its pictures."""
        return mark_safe(replace_content_ids(self.email.html, self._picture_urls()))  # noqa: S308

    @property
    def to(self) -> list[str]:
        return self._shown_addresses("to")

    @property
    def cc(self) -> list[str]:
        return self._shown_addresses("cc")

    @property
    def headers(self) -> str:
        """All headers, for agents: reply tokens stand in them."""
        return email_headers.show(self._headers)

    def _shown_addresses(self, name: str) -> list[str]:
        return [
            f"{address.name} <{email}>" if address.name else email
            for address in self._headers.addresses(name)
            if (email := hide_token(address.email))
        ]

    @cached_property
    def _headers(self) -> email_headers.Headers:
        source = self.email.source
        if source is None:
            return email_headers.Headers()
        with files_queries.open_file(source) as stream:
            data = stream.read(MAX_HEADER_BYTES).lstrip(b"\r\n")
        return email_headers.parse_headers(data, 0, len(data))[0]

    def _picture_urls(self) -> dict[str, str]:
        """Return the URL of each picture of the message by the number that its HTML has."""
        attachments = Attachment.objects.filter(
            ticket=self.email.ticket, message=self.email.message
        )
        return {
            str(attachment.pk): reverse("attachment", args=[attachment.pk])
            for attachment in attachments.select_related("file")
            if attachment.is_shown_inline
        }


def list_notes(email: InboundEmail) -> list[str]:
    """Return what its readers should know about an e-mail, in the active language."""
    return [Note.from_json(note).text for note in email.notes]


def list_recipients(email: InboundEmail) -> list[str]:
    """Return the first addresses an e-mail was sent to."""
    addresses = dict.fromkeys(hide_token(address) for address in email.recipients)
    return [*addresses][:MAX_RECIPIENTS]


def hide_token(address: str) -> str:
    """Return desk@example.org for an address with a reply token, which is its recipient's own."""
    if not any(find_tokens(address)):
        return address
    local_part, _at, domain = address.rpartition("@")
    return f"{local_part.partition('+')[0]}@{domain}"
