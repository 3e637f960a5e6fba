"""A received e-mail while it is processed, and the ways in which that ends."""

from dataclasses import dataclass

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext as _

from appliance.mail import answers, queries
from appliance.mail.models import InboundEmail
from appliance.mail.parsing import Note, NoteKind, ParsedEmail, replace_content_ids
from appliance.mail.services.answering import answer
from appliance.notifications import services as notifications_services
from appliance.tickets.models import Attachment, Message, Ticket

State = InboundEmail.State
MB = 1024 * 1024


@dataclass(frozen=True)
class Incoming:
    """A received e-mail, parsed, with the text and the files that a ticket gets."""

    email: InboundEmail
    parsed: ParsedEmail

    @property
    def sender(self) -> str:
        return self.email.sender

    @property
    def author_name(self) -> str:
        name = self.email.sender_name
        return f"{name} <{self.sender}>"[:170] if name else self.sender[:170]

    @property
    def body(self) -> str:
        """The new text; of an e-mail that only passes something on, what it quotes."""
        return self.parsed.text or self.parsed.quoted_text or _("(The e-mail has no text.)")

    @property
    def quoted_text(self) -> str:
        return self.parsed.quoted_text if self.parsed.text else ""

    def files(self) -> list[SimpleUploadedFile]:
        """Return the files; of an e-mail that was cut none, because the last one is incomplete."""
        if self.email.is_cut:
            return []
        return [
            SimpleUploadedFile(attachment.name or _("file"), attachment.content)
            for attachment in self.parsed.attachments
        ]

    def add_reader_note(self, note: Note) -> None:
        self.email.notes = [note.as_json(), *self.email.notes]

    def settle(self, ticket: Ticket, message: Message | None = None) -> None:
        """Record the ticket or the message the e-mail has become; tell of files left out."""
        email = self.email
        email.ticket, email.message = ticket, message
        email.quoted_text, email.signature = self.quoted_text, self.parsed.signature
        email.html = self._html_of(ticket, message)
        self._end(State.PROCESSED)
        if not email.is_automatic and email.header_message_id:
            notifications_services.record_received(
                ticket=ticket, address=email.sender, message_id=f"<{email.header_message_id}>"
            )
        self._tell_of_files(ticket)

    def _html_of(self, ticket: Ticket, message: Message | None) -> str:
        """Return the HTML with its pictures named by the attachments they have become."""
        attachments = Attachment.objects.filter(ticket=ticket, message=message).order_by("pk")
        files = [] if self.email.is_cut else self.parsed.attachments
        urls = {
            file.content_id: f"cid:{attachment.pk}"
            for file, attachment in zip(files, attachments, strict=False)
            if file.is_inline
        }
        return replace_content_ids(self.parsed.html, urls)

    def settle_report(self, ticket: Ticket | None) -> None:
        """Record that the e-mail was a report about one of ours, which adds no message."""
        self.email.ticket = ticket
        self._end(State.PROCESSED, _("An e-mail of the help desk came back."))

    def hold(self, reason: str) -> None:
        """Leave the e-mail to an agent."""
        self._end(State.HELD, reason)

    def ignore(self, reason: str) -> None:
        self._end(State.IGNORED, reason)

    def refuse(self, answer_text: str, reason: str) -> None:
        """Do nothing with the e-mail and tell the sender, once a day."""
        self._end(State.REFUSED, reason)
        answer(self.email, answer_text, kind="refusal", is_daily=True)

    def _end(self, state: InboundEmail.State, reason: str = "") -> None:
        self.email.state, self.email.reason = state, reason[:500]

    def _tell_of_files(self, ticket: Ticket) -> None:
        """Tell the sender which files are not in the ticket; the agents see it at the message."""
        email, limit = self.email, queries.mail_settings().max_message_mb
        if email.is_cut:
            text = answers.cut(ticket.number, email.size // MB, limit)
            answer(email, text, kind="files", ticket=ticket)
            return
        for note in self.parsed.notes:
            if note.kind == NoteKind.LARGE_ATTACHMENTS:
                count, limit_mb = (int(note.values[name]) for name in ("count", "limit_mb"))
                text = answers.left_out(ticket.number, count, limit_mb)
                answer(email, text, kind="files", ticket=ticket)
