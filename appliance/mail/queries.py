"""Reads of mailboxes and received e-mails, scoped to the viewer."""

from datetime import timedelta
from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.pagination import Ordering
from appliance.files import queries as files_queries
from appliance.mail.models import BlockedSender, InboundEmail, Mailbox, MailSettings
from appliance.mail.parsing import ParsedEmail, UnreadableEmailError, parse_email
from appliance.notifications.senders import is_own_address
from appliance.tickets.models import Ticket

T = TypeVar("T", bound=Model)
State = InboundEmail.State
EMAIL_ORDERING = Ordering(keys=("received_at", "pk"))
FAILING_TOO_LONG = timedelta(minutes=15)
MAX_LABELS = 20  # of a domain


def mail_settings() -> MailSettings:
    """Return the settings; the defaults while nobody has saved any."""
    return MailSettings.objects.first() or MailSettings()


def list_mailboxes(viewer: User, text: str = "") -> QuerySet[Mailbox]:
    """Return the mailboxes by name, for admins; to anybody else none."""
    if not viewer.is_admin:
        return Mailbox.objects.none()
    mailboxes = Mailbox.objects.select_related("sender_address", "team", "category")
    return mailboxes.filter(name__icontains=text).order_by("name", "pk")


def access_mailbox(viewer: User, mailbox_id: int) -> Mailbox:
    """Return the mailbox, for admins; raises Http404 to everybody else."""
    return _get_or_404(list_mailboxes(viewer), mailbox_id)


def list_failing_mailboxes() -> list[Mailbox]:
    """Return the active mailboxes that could not be read for longer than a quarter of an hour."""
    failing = Mailbox.objects.filter(is_active=True, kind=Mailbox.Kind.IMAP)
    return list(failing.filter(failing_since__lt=timezone.now() - FAILING_TOO_LONG))


def list_problems() -> list[str]:
    """Return what an admin has to mend, one sentence each; cached for half a minute."""
    return cache.get_or_compute("mail_problems", [get_language()], _list_problems, seconds=30)


def _list_problems() -> list[str]:
    problems = [
        _("The mailbox %(name)s cannot be read: %(error)s")
        % {"name": mailbox, "error": mailbox.last_error}
        for mailbox in list_failing_mailboxes()
    ]
    if count := count_failed_emails():
        text = ngettext(
            "%(n)d received e-mail could not be processed: see Received e-mails.",
            "%(n)d received e-mails could not be processed: see Received e-mails.",
            count,
        )
        problems.append(text % {"n": count})
    return problems


def count_failed_emails() -> int:
    """Return how many received e-mails could not be processed and wait for an admin."""
    return InboundEmail.objects.filter(state=State.FAILED).count()


def list_blocked_senders(viewer: User, text: str = "") -> QuerySet[BlockedSender]:
    """Return the blocked senders, for admins; to anybody else none."""
    if not viewer.is_admin:
        return BlockedSender.objects.none()
    return BlockedSender.objects.filter(pattern__icontains=text).order_by("pattern", "pk")


def access_blocked_sender(viewer: User, blocked_sender_id: int) -> BlockedSender:
    """Return the blocked sender, for admins; raises Http404 to everybody else."""
    return _get_or_404(list_blocked_senders(viewer), blocked_sender_id)


def list_emails(viewer: User, state: str = "") -> QuerySet[InboundEmail]:
    """Return the received e-mails that became no ticket and the agent may see, newest first.

    Those for a mailbox of a closed team are for its members and the admins.
    """
    if not viewer.is_authenticated or not viewer.is_active or not viewer.is_agent:
        return InboundEmail.objects.none()
    emails = InboundEmail.objects.filter(ticket=None).select_related("mailbox", "source")
    if hidden_ids := accounts_queries.hidden_team_ids(viewer):
        is_open = Q(mailbox=None) | Q(mailbox__team=None) | ~Q(mailbox__team__in=hidden_ids)
        emails = emails.filter(is_open)
    emails = emails.filter(state=state) if state else emails.exclude(state=State.PROCESSED)
    return emails.order_by("-received_at", "-pk")


def count_held_emails(viewer: User) -> int:
    """Return how many e-mails wait for an agent; cached for half a minute."""
    return cache.get_or_compute(
        "held_emails",
        [viewer.pk],
        lambda: list_emails(viewer, State.HELD).count(),
        depends_on=[cache.TEAMS],
        seconds=30,
    )


def access_email(viewer: User, email_id: int) -> InboundEmail:
    """Return an e-mail that became no ticket. Raises Http404 unless the agent may see it."""
    return _get_or_404(list_emails(viewer), email_id)


def list_emails_of_customer(ticket: Ticket) -> QuerySet[InboundEmail]:
    """Return the e-mails that the customer of a ticket wrote to it, oldest first."""
    customer = ticket.customer
    addresses = [customer.email, customer.user.email if customer.user else ""]
    senders = [address.lower() for address in addresses if address]
    emails = InboundEmail.objects.filter(ticket=ticket, sender__in=senders)
    return emails.select_related("source").order_by("pk")


def read_email(email: InboundEmail) -> ParsedEmail | None:
    """Return what the e-mail says, from its source; None if it cannot be read."""
    if email.source is None:
        return None
    try:
        with files_queries.open_file(email.source) as stream:
            return parse_email(stream.read())
    except (UnreadableEmailError, Http404):
        return None


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


def is_own(address: str) -> bool:
    """Return whether the address is the desk's own: e-mail from it is a loop."""
    bare = without_sub_address(address)
    users = Mailbox.objects.filter(user__contains="@", user__iexact=bare)
    return is_own_address(bare) or users.exists()


def is_blocked(address: str) -> bool:
    """Return whether e-mail from the address, or from its domain or one above it, is ignored."""
    domain_labels = address.partition("@")[2].split(".")
    domains = [f"@{'.'.join(domain_labels[n:])}" for n in range(len(domain_labels))]
    return BlockedSender.objects.filter(pattern__in=[address, *domains[:MAX_LABELS]]).exists()


def _get_or_404(rows: QuerySet[T], pk: int) -> T:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row
