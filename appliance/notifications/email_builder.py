"""A letter of the outbox becomes a mail: who it goes to, its frame, its headers."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from appliance.core import queries as core_queries
from appliance.notifications.models import Kind, OutgoingEmail
from appliance.notifications.services.emails import compose
from appliance.tickets.models import Ticket

# Whoever answers by machine is asked not to, and our own intake knows such a mail again.
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def why_not(email: OutgoingEmail) -> str:
    """Why it must not go now, or nothing: looked at once more just before it leaves."""
    if email.to.casefold() == address_of_the_desk().casefold():
        return _("The recipient is the help desk's own address.")
    user = email.user
    if user is None:
        return ""
    if not user.is_active:
        return _("The recipient can no longer sign in.")
    visible = Ticket.objects.visible_to(user).filter(pk=email.ticket_id)
    if email.ticket_id and email.kind and not visible.exists():
        return _("The recipient no longer has access to the ticket.")
    if email.kind == Kind.REVIEW and not user.is_agent:
        return _("The recipient no longer has access to the articles.")
    if email.is_digest and not _body(email):
        return _("The recipient no longer has access to the tickets.")
    return ""


def address_of_the_desk() -> str:
    """The bare address letters come from."""
    return settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">").strip()


def seal(email: OutgoingEmail, server: BaseEmailBackend | None = None) -> EmailMessage:
    with translation.override(_language(email)):
        text = _layout(email)
    headers = HEADERS | {"Message-ID": email.message_id}
    if email.thread:
        headers |= {"In-Reply-To": email.thread, "References": email.thread}
    to = email.user.email if email.user and (email.kind or email.is_digest) else email.to
    return EmailMessage(email.subject, text, to=[to], headers=headers, connection=server)


def _language(email: OutgoingEmail) -> str:
    return (email.user and email.user.language) or core_queries.site_settings().language


def _layout(email: OutgoingEmail) -> str:
    """Greeting, what happened, where to read on, and how to be told less."""
    desk = core_queries.site_settings().name
    if not email.kind and not email.is_digest:
        return f"{email.body.strip()}\n\n-- \n{desk}\n"
    hello = _("Hello %(name)s,") % {"name": email.user.first_name if email.user else email.to}
    parts = [hello, _body(email), _ticket_link(email), f"-- \n{desk}{_strip_markup()}"]
    return "\n\n".join(part for part in parts if part) + "\n"


def _body(email: OutgoingEmail) -> str:
    """Of a digest put together anew: what its reader may see can have changed."""
    if email.is_digest and email.user:
        return compose(email.user, email.folded.order_by("id"))
    return email.body


def _ticket_link(email: OutgoingEmail) -> str:
    if not email.ticket_id:
        return ""
    return to_ticket(email.ticket_id) or _("Sign in to the help desk to read and reply.")


def _strip_markup() -> str:
    address = to("notice-preferences")
    return "\n" + _("Notification settings: %(address)s") % {"address": address} if address else ""


def to(name: str, *args: object) -> str:
    """The whole address of a page; empty while the desk does not know its own."""
    base = core_queries.site_settings().base_url.rstrip("/")
    return f"{base}{reverse(name, args=args)}" if base else ""


def to_ticket(ticket_id: int | None) -> str:
    return to("ticket", ticket_id) if ticket_id else ""
