"""The e-mail message of an entry of the outbox: sender, headers, text, HTML and files."""

from dataclasses import replace
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.utils import formataddr
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from appliance.core import queries as core_queries
from appliance.files import queries as files_queries
from appliance.files.models import StoredFile
from appliance.notifications import email_content, senders
from appliance.notifications.models import Kind, OutgoingEmail, ThreadReference
from appliance.tickets import queries as tickets_queries
from appliance.tickets import reply_tokens
from appliance.tickets.email_marks import DESK_HEADER, desk_id
from appliance.tickets.models import Ticket

# All but NDR: we want to know that an e-mail did not arrive.
SUPPRESSED_RESPONSES = "OOF, DR, RN, NRN, AutoReply"
WRITTEN_KINDS = (Kind.ANSWER, Kind.COPY, Kind.FORWARD)  # by a person, for this recipient
LOGO_ID = "logo@skerry.invalid"


class EmailWithLogo(EmailMultiAlternatives):
    """An e-mail whose HTML part brings the picture that it shows."""

    logo: StoredFile | None = None

    def _create_alternatives(self, msg: Any) -> Any:
        """Put the HTML part and the picture together; Django knows attachments only."""
        message = super()._create_alternatives(msg)  # type: ignore[misc]  # not in its stubs
        if self.logo and self.alternatives:
            *others, html = message.get_payload()
            related = MIMEMultipart("related")
            related.attach(html)
            related.attach(_picture(self.logo))
            message.set_payload([*others, related])
        return message


def _picture(logo: StoredFile) -> MIMEImage:
    with files_queries.open_file(logo) as stream:
        picture = MIMEImage(stream.read(), logo.content_type.removeprefix("image/"))
    picture.add_header("Content-ID", f"<{LOGO_ID}>")
    picture.add_header("Content-Disposition", "inline", filename=logo.name)
    return picture


def find_drop_reason(email: OutgoingEmail) -> str:
    """Return why the e-mail must not be sent, or nothing; checked again just before it is."""
    if senders.is_own_address(email.to):
        return _("The recipient is the help desk's own address.")
    if email.is_digest and not email_content.list_digest_parts(email):
        return _("The recipient no longer has access to the tickets.")
    if email.user is None:
        return _find_reason_without_user(email)
    if not email.user.is_active:
        return _("The recipient can no longer sign in.")
    if email.ticket_id and email.kind:
        visible = Ticket.objects.visible_to(email.user).filter(pk=email.ticket_id)
        if not visible.exists():
            return _("The recipient no longer has access to the ticket.")
    if email.kind == Kind.REVIEW and not email.user.is_agent:
        return _("The recipient no longer has access to the articles.")
    if email.kind == Kind.QUALITY and not email.user.is_admin:
        return _("The recipient is no longer an administrator.")
    return ""


def _find_reason_without_user(email: OutgoingEmail) -> str:
    """Return why an e-mail to somebody without a log-in must not be sent, or nothing."""
    if email.ticket is None or email.kind == Kind.FORWARD:
        return ""
    if email.kind == Kind.COPY:
        participants = tickets_queries.list_participants(email.ticket)
        is_participant = participants.filter(email__iexact=email.to).exists()
        return "" if is_participant else _("The recipient no longer takes part in the ticket.")
    if email.kind and email.ticket.customer.email.lower() != email.to.lower():
        return _("The customer of the ticket has another address.")
    return ""


def build_message(
    email: OutgoingEmail, connection: BaseEmailBackend | None = None
) -> EmailMultiAlternatives:
    """Return the message to send, in the language of its recipient."""
    sender = senders.find_sender(email.ticket)
    if sender is None:
        raise ValueError(_("There is no sender address."))
    with translation.override(language_of(email)):
        content = email_content.compose(email, sender)
        logo = _find_logo()
        html = render_html(content, logo_src=f"cid:{LOGO_ID}" if logo else "")
    message = EmailWithLogo(
        content.subject,
        content.text,
        from_email=_from(email, sender),
        to=[email.user.email if email.user and (email.kind or email.is_digest) else email.to],
        headers=_headers(email, sender),
        connection=connection,
    )
    message.attach_alternative(html, "text/html")
    message.logo = logo
    for stored_file in content.files:
        with files_queries.open_file(stored_file) as stream:
            message.attach(stored_file.name, stream.read(), stored_file.content_type)
    return message


def render_html(content: email_content.Content, *, logo_src: str) -> str:
    """Return the page of an e-mail in the active language."""
    context = {
        "content": content,
        "language": translation.get_language(),
        "is_rtl": translation.get_language_bidi(),
        "site_name": core_queries.site_settings().name,
        "logo_src": logo_src,
    }
    return render_to_string("notifications/email.html", context)


def language_of(email: OutgoingEmail) -> str:
    """Return the language of the recipient as far as it is known, else of the site."""
    customer = email.ticket.customer if email.ticket and email.recipient.startswith("c") else None
    chosen = (email.user and email.user.language) or (customer and customer.language)
    return chosen or core_queries.site_settings().language


def _from(email: OutgoingEmail, sender: senders.Sender) -> str:
    """Return the sender; of a reply with the name of its author, as customers know them."""
    if not email.author_name:
        return sender.header
    name = _("%(agent)s via %(desk)s") % {"agent": email.author_name, "desk": sender.name}
    return replace(sender, name=name).header


def _headers(email: OutgoingEmail, sender: senders.Sender) -> dict[str, str]:
    headers = {
        "Message-ID": email.message_id,
        "X-Auto-Response-Suppress": SUPPRESSED_RESPONSES,
        DESK_HEADER: desk_id(),
    }
    if email.kind not in WRITTEN_KINDS or not email.author_name:
        headers["Auto-Submitted"] = "auto-generated"
    if email.ticket_id and email.recipient:
        token = reply_tokens.make_token(email.ticket_id, email.recipient)
        address = sender.address
        if sender.uses_sub_addresses:
            address = reply_tokens.address_with_token(address, token)
        headers["Reply-To"] = formataddr((sender.name, address))
    return headers | _thread_headers(email)


def _thread_headers(email: OutgoingEmail) -> dict[str, str]:
    """Return the headers by which e-mail clients group a conversation."""
    if not email.thread:
        return {}
    received = ThreadReference.objects.filter(ticket=email.ticket, address__iexact=email.to).first()
    if received is None:
        return {"In-Reply-To": email.thread, "References": email.thread}
    last = received.message_id
    return {"In-Reply-To": last, "References": f"{email.thread} {last}"}


def _find_logo() -> StoredFile | None:
    logo_id = core_queries.site_settings().logo_id
    return StoredFile.objects.filter(pk=logo_id).first() if logo_id else None
