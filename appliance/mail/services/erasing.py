"""Erasing what people wrote by e-mail, when a customer is anonymised."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from appliance.files import services as files_services
from appliance.files.models import StoredFile
from appliance.mail.models import BlockedSender, InboundEmail
from appliance.tickets.models import Ticket

ERASED_TEXTS = {
    "sender": "",
    "sender_name": "",
    "subject": "",
    "header_message_id": "",
    "location": "",
    "reason": "",
    "quoted_text": "",
    "signature": "",
    "html": "",
    "recipients": [],
    "envelope_recipients": [],
    "notes": [],
}


@transaction.atomic
def erase_emails(*, tickets: QuerySet[Ticket], addresses: Iterable[str]) -> None:
    """Erase sources and texts of the e-mails of tickets, and all that came from the addresses.

    What stays is when they came and what became of them. The same e-mail is still recognised.
    """
    senders = [address.lower() for address in addresses]
    _erase(InboundEmail.objects.filter(ticket__in=tickets))
    _erase(InboundEmail.objects.filter(sender__in=senders))
    BlockedSender.objects.filter(pattern__in=senders).delete()


def _erase(emails: QuerySet[InboundEmail]) -> None:
    rows = list(emails.values_list("pk", "source"))
    InboundEmail.objects.filter(pk__in=[pk for pk, _source in rows]).update(
        source=None, **ERASED_TEXTS
    )
    for stored in StoredFile.objects.filter(pk__in=[source for _pk, source in rows if source]):
        files_services.remove(stored_file=stored)
