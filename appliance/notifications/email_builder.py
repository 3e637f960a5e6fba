"""The e-mail message of an entry of the outbox: recipient, greeting, links and headers."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import translation
from django.utils.translation import gettext as _

from appliance.core import queries as core_queries
from appliance.notifications.models import Kind, OutgoingEmail
from appliance.notifications.texts import absolute_url, digest_body
from appliance.tickets import guest_links
from appliance.tickets.models import Ticket

# Automatic replies are asked not to answer, and our own intake recognises such an e-mail.
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def find_drop_reason(email: OutgoingEmail) -> str:
    """Return why the e-mail must not be sent, or nothing; checked again just before it is."""
    if email.to.casefold() == sender_address().casefold():
        return _("The recipient is the help desk's own address.")
    user = email.user
    if user is None:
        return _find_reason_without_user(email)
    if not user.is_active:
        return _("The recipient can no longer sign in.")
    if email.ticket_id and email.kind:
        visible = Ticket.objects.visible_to(user).filter(pk=email.ticket_id)
        if not visible.exists():
            return _("The recipient no longer has access to the ticket.")
    if email.kind == Kind.REVIEW and not user.is_agent:
        return _("The recipient no longer has access to the articles.")
    if email.is_digest and not _current_body(email):
        return _("The recipient no longer has access to the tickets.")
    return ""


def _find_reason_without_user(email: OutgoingEmail) -> str:
    """Return why an e-mail to a customer without a log-in must not be sent, or nothing."""
    customer = email.ticket.customer if email.kind and email.ticket else None
    if customer and customer.email.lower() != email.to.lower():
        return _("The customer of the ticket has another address.")
    return ""


def sender_address() -> str:
    """Return the bare address e-mails come from."""
    return settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">").strip()


def build_message(email: OutgoingEmail, connection: BaseEmailBackend | None = None) -> EmailMessage:
    """Return the message to send, in the language of its recipient."""
    with translation.override(_language(email)):
        text = _full_text(email)
    headers = HEADERS | {"Message-ID": email.message_id}
    if email.thread:
        headers |= {"In-Reply-To": email.thread, "References": email.thread}
    to = email.user.email if email.user and (email.kind or email.is_digest) else email.to
    return EmailMessage(email.subject, text, to=[to], headers=headers, connection=connection)


def _language(email: OutgoingEmail) -> str:
    return (email.user and email.user.language) or core_queries.site_settings().language


def _full_text(email: OutgoingEmail) -> str:
    """Return greeting, what happened, a link to it, and a link to the notification settings."""
    site_name = core_queries.site_settings().name
    if not email.kind and not email.is_digest:
        return f"{email.body.strip()}\n\n-- \n{site_name}\n"
    greeting = _("Hello %(name)s,") % {"name": _recipient_name(email)}
    signature = f"-- \n{site_name}{_settings_link() if email.user else ''}"
    parts = [greeting, _current_body(email), _ticket_link(email), signature]
    return "\n\n".join(part for part in parts if part) + "\n"


def _recipient_name(email: OutgoingEmail) -> str:
    if email.user:
        return email.user.first_name
    return (email.ticket and email.ticket.customer.first_name) or email.to


def _current_body(email: OutgoingEmail) -> str:
    """Return the body; that of a digest is composed anew, as its reader may see less by now."""
    if email.is_digest and email.user:
        return digest_body(email.user, email.digest_parts.order_by("id"))
    return email.body


def _ticket_link(email: OutgoingEmail) -> str:
    if not email.ticket_id or not email.ticket:
        return ""
    if email.user is None:
        return absolute_url("guest-ticket", guest_links.token_of_mail(email.ticket)) or _(
            "Contact the help desk to reply."
        )
    return absolute_url("ticket", email.ticket_id) or _(
        "Sign in to the help desk to read and reply."
    )


def _settings_link() -> str:
    address = absolute_url("notification-settings")
    return "\n" + _("Notification settings: %(address)s") % {"address": address} if address else ""
