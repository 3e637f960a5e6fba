"""Subject, text and HTML of an e-mail: what happened, the text around it, history and files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import markdown
from appliance.core import queries as core_queries
from appliance.core.queries import absolute_url
from appliance.files.models import StoredFile
from appliance.files.queries import MB
from appliance.notifications import email_texts, fragments, senders
from appliance.notifications.email_texts import of_value
from appliance.notifications.fragments import NOTHING, Fragment
from appliance.notifications.models import Kind, OutgoingEmail
from appliance.notifications.senders import Sender
from appliance.notifications.texts import digest_part, html_of
from appliance.tickets import guest_links
from appliance.tickets.email_marks import reply_marker
from appliance.tickets.models import Attachment, Message, Ticket

MAX_EARLIER_MESSAGES = 2  # quoted below a reply
MAX_EARLIER_CHARACTERS = 1_500  # of each
HISTORY_KINDS = (Kind.ANSWER, Kind.COPY)
FILE_KINDS = (Kind.ANSWER, Kind.SOLVED, Kind.COPY, Kind.FORWARD)


@dataclass(frozen=True)
class Content:
    """An e-mail as its recipient reads it."""

    subject: str
    text: str
    html: SafeString  # between the head of the page and its foot
    marker: str = ""  # above which an answer is written; empty if nobody would read it
    signature: str = ""  # safe HTML
    files: Sequence[StoredFile] = ()


def compose(email: OutgoingEmail, sender: Sender, text: email_texts.Text | None = None) -> Content:
    """Return the content in the active language; ``text`` is tried in place of the stored one."""
    happened = current_fragment(email)
    kind = Kind(email.kind) if email.kind in email_texts.LABELS else None
    if kind and email.ticket:
        values = read_values(email, email.ticket, happened, sender)
        text = text or email_texts.find_text(kind, get_language() or "en")
        subject = email_texts.fill_subject(text.subject, values)
        body = email_texts.fill_body(text.body, values)
    else:
        subject, body = email.subject, _notification(email, happened)
    attached, omitted = _choose_files(email)
    body += _name_omitted(omitted, ticket_link(email))
    if kind in HISTORY_KINDS:
        body += _history(email)
    can_answer = bool(email.ticket_id and email.recipient and sender.uses_sub_addresses)
    marker = reply_marker() if can_answer else ""
    signature = _signature(email, sender)
    parts = [marker, body.text, f"-- \n{signature.text}"]
    return Content(
        subject=subject,
        text="\n\n".join(filter(None, parts)) + "\n",
        html=mark_safe(body.html),  # noqa: S308  every fragment is rendered
        marker=marker,
        signature=mark_safe(signature.html),  # noqa: S308
        files=attached,
    )


def current_fragment(email: OutgoingEmail) -> Fragment:
    """Return what happened; a digest is composed anew, as its reader may see less by now."""
    if email.is_digest:
        parts = [digest_part(part, ticket_link(part)) for part in list_digest_parts(email)]
        return Fragment(
            "\n\n\n".join(part.text for part in parts), "".join(part.html for part in parts)
        )
    return Fragment(email.body.strip(), html_of(email) if email.body.strip() else "")


def list_digest_parts(digest: OutgoingEmail) -> list[OutgoingEmail]:
    """Return the e-mails in a digest about tickets that its recipient may still see."""
    parts = list(digest.digest_parts.select_related("ticket__customer").order_by("id"))
    visible_ids = _visible_ticket_ids(digest, parts)
    return [part for part in parts if part.ticket_id in visible_ids]


def _visible_ticket_ids(digest: OutgoingEmail, parts: Iterable[OutgoingEmail]) -> set[int]:
    if isinstance(digest.user, User):
        ids = [part.ticket_id for part in parts if part.ticket_id]
        visible = Ticket.objects.visible_to(digest.user).filter(pk__in=ids)
        return set(visible.values_list("pk", flat=True))
    return {part.ticket.pk for part in parts if part.ticket and _still_concerns(part, part.ticket)}


def _still_concerns(email: OutgoingEmail, ticket: Ticket) -> bool:
    addresses = {ticket.customer.email.lower()}
    if email.kind == Kind.COPY:
        addresses = {address.lower() for address in _participant_addresses(ticket)}
    return email.to.lower() in addresses


def _participant_addresses(ticket: Ticket) -> Iterable[str]:
    return ticket.participants.values_list("email", flat=True)


def read_values(
    email: OutgoingEmail, ticket: Ticket, happened: Fragment, sender: Sender
) -> dict[str, Fragment]:
    """Return the values of the variables of ``email_texts``."""
    link = ticket_link(email)
    no_link = _("Reply to this e-mail to answer.") if sender.uses_sub_addresses else _no_link(email)
    return {
        "ticket.number": of_value(ticket.number),
        "ticket.subject": of_value(ticket.subject),
        "ticket.status": of_value(ticket.get_status_display()),
        "recipient.name": of_value(_recipient_name(email)),
        "customer.name": of_value(ticket.customer.full_name),
        "agent.name": of_value(email.author_name),
        "desk.name": of_value(core_queries.site_settings().name),
        "message": happened,
        "link": fragments.of_link(link) if link else fragments.of_plain_text(no_link),
        "rating": _rating(email, ticket),
    }


def _notification(email: OutgoingEmail, happened: Fragment) -> Fragment:
    """Return what an agent reads, or anybody in an e-mail that is about no ticket."""
    if not email.kind and not email.is_digest:
        return happened
    greeting = _("Hello %(name)s,") % {"name": _recipient_name(email)}
    link = ticket_link(email) or (_no_link(email) if email.ticket_id else "")
    ending = fragments.of_link(link) if "://" in link else fragments.of_line(link)
    return fragments.of_plain_text(greeting) + happened + ending


def _recipient_name(email: OutgoingEmail) -> str:
    if email.user:
        return email.user.first_name
    if email.recipient_name:
        return email.recipient_name
    is_customer = email.recipient.startswith("c") and email.ticket
    return (is_customer and email.ticket and email.ticket.customer.first_name) or email.to


def ticket_link(email: OutgoingEmail) -> str:
    """Return the address under which the recipient may open the ticket, or nothing."""
    if not email.ticket or email.recipient[:1] in ("p", "s"):
        return ""
    if email.user:
        return absolute_url("ticket", email.ticket_id)
    return absolute_url("guest-ticket", guest_links.token_of_mail(email.ticket))


def _no_link(email: OutgoingEmail) -> str:
    if email.recipient[:1] in ("p", "s"):
        return ""
    if email.user:
        return _("Sign in to the help desk to read and reply.")
    return _("Contact the help desk to reply.")


def _rating(email: OutgoingEmail, ticket: Ticket) -> Fragment:
    """Return two links to pages that ask for a rating; opening one rates nothing."""
    if not (core_queries.site_settings().is_rating_enabled and email.recipient.startswith("c")):
        return NOTHING
    token = guest_links.token_of_rating(ticket)
    good, bad = (absolute_url("rate-by-link", token, word) for word in ("good", "bad"))
    if not good:
        return NOTHING
    question = _("Did we solve your problem?")
    yes, no = _("Yes"), _("No")
    text = f"{question}\n{yes}: {good}\n{no}: {bad}"
    html = format_html(
        '<p class="rating">{} <a class="button" href="{}">{}</a> '
        '<a class="button" href="{}">{}</a></p>',
        question,
        good,
        yes,
        bad,
        no,
    )
    return Fragment(text, html)


def _signature(email: OutgoingEmail, sender: Sender) -> Fragment:
    site_name = core_queries.site_settings().name
    text, html = site_name, format_html("<p>{}</p>", site_name)
    if sender.signature and email.ticket_id:
        text = markdown.as_text(sender.signature)
        html = markdown.render(sender.signature)
    settings_url = absolute_url("notification-settings")
    if email.user and (email.kind or email.is_digest) and settings_url:
        label = _("Notification settings: %(address)s") % {"address": settings_url}
        link = format_html('<p><a href="{}">{}</a></p>', settings_url, _("Notification settings"))
        return Fragment(f"{text}\n{label}", f"{html}{link}")
    return Fragment(text, html)


def _choose_files(email: OutgoingEmail) -> tuple[list[StoredFile], list[StoredFile]]:
    """Return the files of the messages that fit into the e-mail, and those that do not."""
    if email.kind not in FILE_KINDS or not email.pk:
        return [], []
    attachments = Attachment.objects.filter(message__outgoing_emails=email)
    room = senders.email_settings().max_attachments_mb * MB
    attached: list[StoredFile] = []
    omitted: list[StoredFile] = []
    for attachment in attachments.select_related("file").order_by("pk"):
        room_left = room - attachment.file.size
        (attached if room_left >= 0 else omitted).append(attachment.file)
        room = room_left if room_left >= 0 else room
    return attached, omitted


def _name_omitted(files: Sequence[StoredFile], link: str) -> Fragment:
    if not files:
        return NOTHING
    names = ", ".join(f"{file.name} ({filesizeformat(file.size)})" for file in files)
    line = fragments.of_plain_text(
        _("Too large for an e-mail, to be downloaded from the ticket: %(files)s") % {"files": names}
    )
    return line + fragments.of_link(link) if link else line


def _history(email: OutgoingEmail) -> Fragment:
    """Return the replies before those of the e-mail, newest first, as quotations."""
    first = email.messages.order_by("created_at", "pk").first() if email.pk else None
    if first is None or email.ticket is None:
        return NOTHING
    earlier = email.ticket.messages.filter(kind=Message.Kind.REPLY, pk__lt=first.pk)
    messages = list(earlier.order_by("-created_at", "-pk")[:MAX_EARLIER_MESSAGES])
    history = [
        (message.author_name, message.created_at, fragments.of_message(message))
        for message in messages
    ]
    if len(history) < MAX_EARLIER_MESSAGES:
        description = fragments.of_plain_text(email.ticket.description)
        history.append((email.ticket.customer.full_name, email.ticket.created_at, description))
    quotations = NOTHING
    for name, at, fragment in history:
        when = date_format(localtime(at), "SHORT_DATETIME_FORMAT")
        line = fragments.of_line(_("%(name)s wrote on %(when)s:") % {"name": name, "when": when})
        quotations += line + fragments.quoted(_shortened(fragment))
    return Fragment(quotations.text, f'<div class="history">{quotations.html}</div>')


def _shortened(fragment: Fragment) -> Fragment:
    if len(fragment.text) <= MAX_EARLIER_CHARACTERS:
        return fragment
    return fragments.of_plain_text(f"{fragment.text[:MAX_EARLIER_CHARACTERS].rstrip()} …")
