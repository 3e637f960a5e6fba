"""From which address and through which mail server e-mails are sent.

Decided here alone: the environment wins for the server, a sender address for the sender.
"""

from dataclasses import dataclass
from email.utils import formataddr, parseaddr

from django.conf import settings

from appliance.core import queries as core_queries
from appliance.notifications.models import EmailSettings, Security, SenderAddress
from appliance.tickets.models import Ticket

FALLBACK_DOMAIN = "skerry.invalid"  # of message ids without a sender: a name nobody can own


@dataclass(frozen=True)
class MailServer:
    """How to reach the mail server; without a host nothing is sent."""

    host: str
    port: int
    security: Security
    user: str
    password: str
    ca_certificate: str = ""
    is_from_environment: bool = False


@dataclass(frozen=True)
class Sender:
    """The address an e-mail comes from."""

    address: str
    name: str
    signature: str = ""
    uses_sub_addresses: bool = False

    @property
    def header(self) -> str:
        """The address with its name, for the header From."""
        return formataddr((" ".join(self.name.split()), self.address))

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2] or FALLBACK_DOMAIN


def email_settings() -> EmailSettings:
    """Return the only row; before anything was saved an unsaved one with the defaults."""
    return EmailSettings.objects.filter(pk=1).first() or EmailSettings()


def find_mail_server(row: EmailSettings | None = None) -> MailServer:
    """Return the server of SKERRY_SMTP_HOST if that is set, else the one of the settings.

    ``row`` are the settings, if the caller has read them.
    """
    row = row or email_settings()
    if settings.EMAIL_HOST:
        return MailServer(
            host=settings.EMAIL_HOST,
            port=settings.EMAIL_PORT,
            security=Security(settings.SMTP_SECURITY),
            user=settings.EMAIL_HOST_USER,
            password=settings.EMAIL_HOST_PASSWORD,
            ca_certificate=row.ca_certificate,
            is_from_environment=True,
        )
    return MailServer(
        host=row.host,
        port=row.port,
        security=Security(row.security),
        user=row.user,
        password=row.password,
        ca_certificate=row.ca_certificate,
    )


def find_sender(ticket: Ticket | None = None) -> Sender | None:
    """Return the sender for a ticket: of its team, else the default, else SKERRY_SMTP_FROM.

    None while there is no address at all.
    """
    addresses = SenderAddress.objects.all()
    row = addresses.filter(team=ticket.team_id).first() if ticket and ticket.team_id else None
    row = row or addresses.filter(is_default=True).first()
    site_name = core_queries.site_settings().name
    if row:
        name = row.display_name or site_name
        return Sender(row.address, name, row.signature, row.uses_sub_addresses)
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return Sender(address, name or site_name) if "@" in address else None


def is_own_address(address: str) -> bool:
    """Return whether e-mails to the address would come back to this help desk."""
    bare = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    is_fallback = bool(bare) and address.casefold() == bare.casefold()
    return is_fallback or SenderAddress.objects.filter(address__iexact=address).exists()


def can_send(row: EmailSettings | None = None) -> bool:
    """Return whether a mail server and a sender are known. ``row`` as in ``find_mail_server``."""
    return bool(find_mail_server(row).host) and find_sender() is not None
