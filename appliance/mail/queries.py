"""Reads of mailboxes and received e-mails, scoped to the viewer."""

from django.db.models import QuerySet

from appliance.mail.models import Mailbox, MailSettings
from appliance.notifications.models import SenderAddress


def mail_settings() -> MailSettings:
    """Return the settings; the defaults while nobody has saved any."""
    return MailSettings.objects.first() or MailSettings()


def list_fetched_mailboxes() -> QuerySet[Mailbox]:
    """Return the active mailboxes that are fetched by IMAP."""
    return Mailbox.objects.filter(is_active=True, kind=Mailbox.Kind.IMAP)


def without_sub_address(address: str) -> str:
    """Return desk@example.org for desk+token@example.org, in lower case."""
    local_part, _at, domain = address.strip().lower().rpartition("@")
    return f"{local_part.partition('+')[0]}@{domain}"


def find_mailbox_of(address: str) -> Mailbox | None:
    """Return the active mailbox that e-mail for the address is delivered to."""
    mailboxes = Mailbox.objects.filter(is_active=True, kind=Mailbox.Kind.DELIVERED)
    return mailboxes.filter(sender_address__address__iexact=without_sub_address(address)).first()


def own_addresses() -> set[str]:
    """Return the desk's own addresses, in lower case: e-mail from them is a loop."""
    senders = SenderAddress.objects.values_list("address", flat=True)
    users = Mailbox.objects.filter(user__contains="@").values_list("user", flat=True)
    return {address.lower() for address in [*senders, *users]}
