"""Reads of notifications, preferences and the outbox, scoped to the viewer."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer, User
from appliance.core.pagination import Ordering
from appliance.notifications import senders
from appliance.notifications.models import (
    Forward,
    Notification,
    OutgoingEmail,
    Preference,
    SenderAddress,
)
from appliance.tickets.models import Ticket

NOTIFICATION_ORDERING = Ordering(keys=("at", "pk"))
State = OutgoingEmail.State
EMAIL_ORDERING = Ordering(keys=("created_at", "pk"))


def list_notifications(viewer: User, *, only_unread: bool = False) -> QuerySet[Notification]:
    """Return the viewer's notifications, newest first; none of a ticket they may no longer see.

    Agents read every article, so those of articles stay; those of model quality are for admins.
    """
    readable = Q(Exists(Ticket.objects.visible_to(viewer).filter(pk=OuterRef("ticket"))))
    if viewer.is_agent:
        readable |= Q(article__isnull=False)
    if viewer.is_admin:
        readable |= ~Q(measure="")
    notifications = Notification.objects.filter(readable, user=viewer).select_related(
        "ticket", "article", "event"
    )
    notifications = notifications.defer(
        "ticket__description",
        "ticket__search_vector",
        "ticket__fields",
        "article__content",
        "article__search_vector",
    )
    return notifications.filter(read_at=None) if only_unread else notifications


def find_preference(viewer: User) -> Preference | None:
    """Return what the viewer has chosen; None while the defaults apply."""
    return Preference.objects.filter(user=viewer).first()


def has_smtp() -> bool:
    """Return whether a mail server and a sender are known."""
    return senders.can_send()


def describe_contact(customer: Customer) -> str:
    """Return for agents how a customer without a usable log-in is told of a reply, or that not.

    Empty for a customer with a log-in and a working address, and for one who was anonymised.
    """
    if customer.undeliverable_since and not customer.anonymised_at:
        return _(
            "E-mails to %(email)s come back (%(reason)s). Tell the customer by phone, and correct "
            "the address."
        ) % {"email": customer.contact_email, "reason": customer.undeliverable_reason}
    if customer.anonymised_at or (customer.user and customer.user.is_active):
        return ""
    if customer.user:
        return _(
            "The customer's user account is deactivated: no message can be sent. Tell the "
            "customer by phone."
        )
    if not customer.email:
        return _("No e-mail address: no message can be sent. Tell the customer by phone.")
    if not has_smtp():
        return _(
            "The customer has no user account, and this help desk cannot send e-mails: no message "
            "can be sent. Tell the customer by phone."
        )
    return _("The customer has no user account: replies are sent to %(email)s by e-mail.") % {
        "email": customer.email
    }


def find_sent_email(message_id: str) -> OutgoingEmail | None:
    """Return the e-mail with this Message-ID, which may lack its brackets, such as a bounce says.

    For the intake alone: whoever sees it is not asked.
    """
    bare = message_id.strip().strip("<>")
    emails = OutgoingEmail.objects.select_related("ticket")
    return emails.filter(message_id=f"<{bare}>").first() if bare else None


@dataclass(frozen=True)
class Delivery:
    """What became of a message that was sent to somebody by e-mail."""

    to: str
    state: str
    reason: str

    @property
    def is_undelivered(self) -> bool:
        return self.state in (State.FAILED, State.BOUNCED)


def list_deliveries(viewer: User, message_ids: Iterable[int]) -> dict[int, list[Delivery]]:
    """Return for agents who got each message by e-mail, by the id of the message. One query.

    E-mails are kept for 30 days; of older messages nothing is known.
    """
    if not viewer.is_agent:
        return {}
    rows = OutgoingEmail.messages.through.objects.filter(message__in=list(message_ids))
    rows = rows.exclude(outgoingemail__to="").order_by("outgoingemail")
    deliveries: dict[int, list[Delivery]] = defaultdict(list)
    fields = ["message_id", *(f"outgoingemail__{name}" for name in ("to", "state", "reason"))]
    for message_id, to, state, reason in rows.values_list(*fields):
        deliveries[message_id].append(Delivery(to, state, reason))
    return dict(deliveries)


def find_forward(forward_id: int, ticket_id: int) -> Forward | None:
    """Return the forward that a valid token names. For the intake alone."""
    return Forward.objects.filter(pk=forward_id, ticket=ticket_id).first()


def list_sender_addresses(viewer: User, text: str = "") -> QuerySet[SenderAddress]:
    """Return the sender addresses to admins, the default one first."""
    rows = SenderAddress.objects.select_related("team").order_by("-is_default", "address", "pk")
    rows = rows.filter(address__icontains=text.replace("\0", "")) if text.strip() else rows
    return rows if viewer.is_admin else rows.none()


def access_sender_address(viewer: User, pk: int) -> SenderAddress:
    """Return a sender address to an admin. Raises Http404."""
    row = list_sender_addresses(viewer).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@dataclass(frozen=True)
class EmailFilter:
    """Filters of the outbox; an empty one filters nothing."""

    state: str = ""
    to: str = ""

    def apply(self, emails: QuerySet[OutgoingEmail]) -> QuerySet[OutgoingEmail]:
        if self.state:
            emails = emails.filter(state=self.state)
        return emails.filter(to__iexact=self.to) if self.to else emails


def list_emails(viewer: User, filters: EmailFilter) -> QuerySet[OutgoingEmail]:
    """Return the e-mails of the outbox, newest first, to admins; to anybody else none."""
    emails = filters.apply(OutgoingEmail.objects.select_related("ticket", "user"))
    return emails if viewer.is_admin else emails.none()


def count_emails(viewer: User) -> dict[str, int]:
    """Return the number of e-mails in each state, for admins."""
    counts = list_emails(viewer, EmailFilter()).values_list("state").order_by()
    return dict.fromkeys(OutgoingEmail.State.values, 0) | dict(counts.annotate(n=Count("pk")))
