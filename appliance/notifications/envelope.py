"""A letter of the outbox becomes a mail: who it goes to, its frame, its headers."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import translation
from django.utils.translation import gettext as _

from appliance.core import queries as core_queries
from appliance.notifications import links
from appliance.notifications.models import Kind, OutgoingMail
from appliance.notifications.services.digests import compose
from appliance.tickets.models import Ticket

# Whoever answers by machine is asked not to, and our own intake knows such a mail again.
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def why_not(letter: OutgoingMail) -> str:
    """Why it must not go now, or nothing: looked at once more just before it leaves."""
    if letter.to.casefold() == address_of_the_desk().casefold():
        return _("The recipient is the help desk's own address.")
    user = letter.user
    if user is None:
        return ""
    if not user.is_active:
        return _("The recipient can no longer sign in.")
    visible = Ticket.objects.visible_to(user).filter(pk=letter.ticket_id)
    if letter.ticket_id and letter.kind and not visible.exists():
        return _("The recipient no longer has access to the ticket.")
    if letter.kind == Kind.REVIEW and not user.is_agent:
        return _("The recipient no longer has access to the articles.")
    if letter.is_digest and not _body(letter):
        return _("The recipient no longer has access to the tickets.")
    return ""


def address_of_the_desk() -> str:
    """The bare address letters come from."""
    return settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">").strip()


def seal(letter: OutgoingMail, server: BaseEmailBackend | None = None) -> EmailMessage:
    with translation.override(_language(letter)):
        text = _frame(letter)
    headers = HEADERS | {"Message-ID": letter.message_id}
    if letter.thread:
        headers |= {"In-Reply-To": letter.thread, "References": letter.thread}
    to = letter.user.email if letter.user and (letter.kind or letter.is_digest) else letter.to
    return EmailMessage(letter.subject, text, to=[to], headers=headers, connection=server)


def _language(letter: OutgoingMail) -> str:
    return (letter.user and letter.user.language) or core_queries.site_settings().language


def _frame(letter: OutgoingMail) -> str:
    """Greeting, what happened, where to read on, and how to be told less."""
    desk = core_queries.site_settings().name
    if not letter.kind and not letter.is_digest:
        return f"{letter.body.strip()}\n\n-- \n{desk}\n"
    hello = _("Hello %(name)s,") % {"name": letter.user.first_name if letter.user else letter.to}
    parts = [hello, _body(letter), _where(letter), f"-- \n{desk}{_less()}"]
    return "\n\n".join(part for part in parts if part) + "\n"


def _body(letter: OutgoingMail) -> str:
    """Of a digest put together anew: what its reader may see can have changed."""
    if letter.is_digest and letter.user:
        return compose(letter.user, letter.folded.order_by("id"))
    return letter.body


def _where(letter: OutgoingMail) -> str:
    if not letter.ticket_id:
        return ""
    return links.to_ticket(letter.ticket_id) or _("Sign in to the help desk to read and reply.")


def _less() -> str:
    address = links.to("notice-preferences")
    return "\n" + _("Notification settings: %(address)s") % {"address": address} if address else ""
