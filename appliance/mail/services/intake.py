"""Decide what becomes of a received e-mail. The first rule that applies ends it.

docs/mail.md has the same list for administrators.
"""

from django.utils import translation
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.core import queries as core_queries
from appliance.files import queries as files_queries
from appliance.mail import queries, threads
from appliance.mail.identity import clean_message_id
from appliance.mail.models import InboundEmail, Mailbox
from appliance.mail.parsing import (
    Note,
    NoteKind,
    ParsedEmail,
    ParsingOptions,
    UnreadableEmailError,
    parse_email,
)
from appliance.mail.parsing.emails import DEFAULT_SPAM_HEADERS
from appliance.mail.services.bouncing import record_bounce
from appliance.mail.services.incoming import MB, Incoming
from appliance.mail.services.joining import join
from appliance.mail.services.opening import open_ticket
from appliance.tickets import email_marks
from appliance.tickets.reply_tokens import find_tokens

State = InboundEmail.State
MAX_NAME, MAX_SUBJECT, MAX_RECIPIENTS = 200, 500, 100


def take_in(email: InboundEmail, source: bytes) -> None:
    """Set what has become of an e-mail on the locked row, which the caller saves."""
    with translation.override(core_queries.locale_defaults()[0]):
        try:
            parsed = parse_email(source, _parsing_options())
        except UnreadableEmailError as error:
            email.state, email.reason = State.FAILED, str(error)[:500]
            return
        _describe(email, parsed)
        _decide(Incoming(email, parsed))


def _parsing_options() -> ParsingOptions:
    mail_settings = queries.mail_settings()
    header, value = mail_settings.spam_header.lower(), mail_settings.spam_value
    return ParsingOptions(
        max_attachment_bytes=files_queries.limit_bytes(),
        desk_id=email_marks.desk_id(),
        spam_headers=(*DEFAULT_SPAM_HEADERS, *([(header, value)] if header and value else [])),
    )


def _describe(email: InboundEmail, parsed: ParsedEmail) -> None:
    """Copy to the row what lists and threading need of the e-mail."""
    sender = parsed.sender
    email.sender = sender.email if sender else ""
    email.sender_name = sender.name[:MAX_NAME] if sender else ""
    email.recipients = [*parsed.recipients][:MAX_RECIPIENTS]
    email.subject = parsed.subject[:MAX_SUBJECT]
    email.header_message_id = clean_message_id(parsed.message_id) or email.header_message_id
    email.is_automatic = parsed.is_auto_submitted
    email.wants_no_answer = parsed.is_auto_submitted or parsed.is_list or parsed.suppresses_answers
    email.notes = [note.as_json() for note in parsed.notes]
    if email.is_cut:
        limit_mb = queries.mail_settings().max_message_mb
        values = {"size_mb": email.size // MB, "limit_mb": limit_mb}
        email.notes = [Note(NoteKind.CUT, values).as_json(), *email.notes]


def _decide(incoming: Incoming) -> None:
    email, parsed = incoming.email, incoming.parsed
    if parsed.bounce:
        record_bounce(incoming)
    elif _is_our_own(incoming):
        incoming.ignore(_("This help desk has sent it."))
    elif queries.is_blocked(email.sender):
        incoming.ignore(_("The sender is blocked."))
    elif email.accepted_by is None and (reason := _find_reason_to_hold(incoming)):
        incoming.hold(reason)
    elif _is_ignored_spam(incoming):
        incoming.ignore(_("The mail server marked it as spam."))
    else:
        _clear_mark(email.sender, parsed)
        _join_or_open(incoming)


def _is_our_own(incoming: Incoming) -> bool:
    """Return whether the e-mail is one of ours that came back: a loop."""
    is_ours = any(find_tokens(incoming.parsed.message_id))
    return is_ours or incoming.parsed.is_from_this_desk or queries.is_own(incoming.sender)


def _find_reason_to_hold(incoming: Incoming) -> str:
    """Return why an agent has to look at the e-mail first, or nothing."""
    if not incoming.sender:
        return _("It has no address of a sender.")
    if incoming.parsed.is_spam and _spam_rule(incoming) == Mailbox.Spam.HOLD:
        return _("The mail server marked it as spam.")
    return ""


def _is_ignored_spam(incoming: Incoming) -> bool:
    is_ignored = incoming.parsed.is_spam and _spam_rule(incoming) == Mailbox.Spam.IGNORE
    return is_ignored and incoming.email.accepted_by is None


def _spam_rule(incoming: Incoming) -> str:
    mailbox = incoming.email.mailbox
    return mailbox.spam if mailbox else Mailbox.Spam.HOLD


def _clear_mark(sender: str, parsed: ParsedEmail) -> None:
    """Somebody writes from an address whose e-mails came back: it works again."""
    customer = accounts_queries.find_customer(email=sender)
    if customer and not parsed.is_auto_submitted:
        accounts_services.clear_undeliverable(customer=customer)


def _join_or_open(incoming: Incoming) -> None:
    email, parsed = incoming.email, incoming.parsed
    thread = threads.find_thread(parsed, email.envelope_recipients, email.sender)
    if thread:
        join(incoming, thread)
    elif email.accepted_by or (email.mailbox and email.mailbox.accepts_automatic):
        open_ticket(incoming)
    elif email.is_automatic:
        incoming.ignore(_("A program wrote it, and the mailbox takes no automatic e-mails."))
    elif parsed.is_list:
        incoming.hold(_("It came through a mailing list."))
    else:
        open_ticket(incoming)
