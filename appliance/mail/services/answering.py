"""Automatic answers to senders: few, never to programs, never to ourselves."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.mail import queries
from appliance.mail.models import InboundEmail
from appliance.notifications import services as notifications_services
from appliance.notifications.models import OutgoingEmail
from appliance.tickets.models import Ticket

KEY = "auto:"  # the keys of these e-mails begin with it


def answer(
    email: InboundEmail,
    body: str,
    *,
    kind: str,
    ticket: Ticket | None = None,
    is_daily: bool = False,
) -> None:
    """Queue an answer to the sender, unless a program wrote or there were enough of them lately.

    ``is_daily``: at most once a day of this kind.
    """
    day = timezone.now().date().isoformat()
    key = f"{KEY}{kind}:{email.sender[:60]}:{day}" if is_daily else f"{KEY}{kind}:{email.pk}"
    if email.wants_no_answer or _is_over_limit(email.sender) or queries.is_own(email.sender):
        return
    notifications_services.queue_email(
        to=email.sender,
        subject=_("Re: %(subject)s") % {"subject": email.subject or _("your e-mail")},
        body=body,
        key=key,
        ticket=ticket,
    )


def _is_over_limit(address: str) -> bool:
    """Return whether the address got as many automatic answers within the hour as it may."""
    hour_ago = timezone.now() - timedelta(hours=1)
    automatic = Q(key__startswith=KEY) | Q(kind="received")
    sent = OutgoingEmail.objects.filter(automatic, to__iexact=address, created_at__gt=hour_ago)
    return sent.count() >= queries.mail_settings().max_answers_per_hour
