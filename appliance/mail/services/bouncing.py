"""E-mails of ours that came back (RFC 3464): marked on the e-mail, the customer and the ticket.

Only a report that names one of our Message-IDs counts; anybody can write something that looks like
a report. It never opens a ticket.
"""

from django.utils.translation import gettext as _

from appliance.accounts import services as accounts_services
from appliance.mail.parsing import BounceReport
from appliance.mail.services.incoming import Incoming
from appliance.notifications import services as notifications_services
from appliance.notifications.models import OutgoingEmail
from appliance.tickets.reply_tokens import find_tokens


def record_bounce(incoming: Incoming) -> None:
    """Mark what came back; a report of a delay, or about an e-mail of others, changes nothing."""
    report = incoming.parsed.bounce
    assert report
    incoming.email.is_automatic = incoming.email.wants_no_answer = True
    sent = _find_sent(incoming, report)
    if sent is None:
        incoming.ignore(_("A report about an e-mail that this help desk did not send."))
        return
    incoming.email.ticket = sent.ticket
    failed = [row for row in report.recipients if row.is_permanent]
    if report.recipients and not failed:
        incoming.ignore(_("A report about a delay."))
        return
    details = [" ".join(filter(None, (row.status, row.reason))) for row in failed]
    reason = "; ".join(filter(None, details)) or _("The e-mail came back.")
    notifications_services.mark_bounced(email=sent, reason=reason)
    accounts_services.mark_undeliverable(email=sent.to, reason=reason)
    incoming.settle_report(sent.ticket)


def _find_sent(incoming: Incoming, report: BounceReport) -> OutgoingEmail | None:
    """Return the e-mail that came back, by its Message-ID, or by the token it was sent with."""
    ids = [report.original_message_id, *incoming.parsed.in_reply_to, *incoming.parsed.references]
    message_ids = [f"<{text}>" for text in ids if text]
    if sent := OutgoingEmail.objects.filter(message_id__in=message_ids).first():
        return sent
    recipients = [*incoming.email.envelope_recipients, *incoming.parsed.recipients]
    for token in (token for text in [*recipients, *ids] for token in find_tokens(text)):
        emails = OutgoingEmail.objects.filter(ticket=token.ticket_id, recipient=token.recipient)
        if sent := emails.order_by("-pk").first():
            return sent
    return None
