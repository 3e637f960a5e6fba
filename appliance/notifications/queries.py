"""Reads of notifications, preferences and the outbox, scoped to the viewer."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer, User
from appliance.core.pagination import Ordering
from appliance.notifications import senders
from appliance.notifications.models import Forward, Notification, OutgoingEmail, Preference
from appliance.tickets.models import Ticket

NOTIFICATION_ORDERING = Ordering(keys=("at", "pk"))
EMAIL_ORDERING = Ordering(keys=("created_at", "pk"))


def list_notifications(viewer: User, *, only_unread: bool = False) -> QuerySet[Notification]:
    """Return the viewer's notifications, newest first; none of a ticket they may no longer see.

    Agents read every article, so those of articles stay.
    """
    readable = Q(Exists(Ticket.objects.visible_to(viewer).filter(pk=OuterRef("ticket"))))
    if viewer.is_agent:
        readable |= Q(article__isnull=False)
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


def find_forward(forward_id: int, ticket_id: int) -> Forward | None:
    """Return the forward that a valid token names. For the intake alone."""
    return Forward.objects.filter(pk=forward_id, ticket=ticket_id).first()


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
