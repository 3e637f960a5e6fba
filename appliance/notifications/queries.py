"""Reads of notifications, preferences and the outbox, scoped to the viewer."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.pagination import Ordering
from appliance.notifications.models import Notification, OutgoingEmail, Preference
from appliance.notifications.texts import subject_of
from appliance.tickets.models import Ticket

NOTIFICATION_ORDERING = Ordering(keys=("at", "pk"))
EMAIL_ORDERING = Ordering(keys=("created_at", "pk"))
MAX_COUNTED = 100  # beyond it the bell says 99+


def list_notifications(viewer: User, *, only_unread: bool = False) -> QuerySet[Notification]:
    """What the viewer was told, newest first; never of a ticket they may not see now.

    Agents read every article, so what they were told of one stays.
    """
    seen = Q(Exists(Ticket.objects.visible_to(viewer).filter(pk=OuterRef("ticket"))))
    if viewer.is_agent:
        seen |= Q(article__isnull=False)
    notifications = Notification.objects.filter(seen, user=viewer).select_related(
        "ticket", "article"
    )
    long = ("description", "search_vector", "fields")
    notifications = notifications.defer(*(f"ticket__{name}" for name in long))
    notifications = notifications.defer("article__content", "article__search_vector")
    return notifications.filter(read_at=None) if only_unread else notifications


def count_unread(viewer: User) -> int:
    """At most MAX_COUNTED; from the cache if there."""
    return cache.get_or_compute(
        "unread_notices",
        [viewer.pk],
        lambda: list_notifications(viewer, only_unread=True).order_by()[:MAX_COUNTED].count(),
        depends_on=[subject_of(viewer.pk), cache.TEAMS],
    )


def badge_generation(viewer: User) -> int | None:
    """Changes whenever the bell of this person may show another number. One cache read."""
    return cache.generation(subject_of(viewer.pk))


def find_preference(viewer: User) -> Preference | None:
    return Preference.objects.filter(user=viewer).first()


def has_smtp() -> bool:
    """Whether this desk knows a mail server at all."""
    return bool(settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL)


@dataclass(frozen=True)
class EmailFilter:
    """Filters of the outgoing mail page. Empty means all."""

    state: str = ""
    to: str = ""

    def apply(self, emails: QuerySet[OutgoingEmail]) -> QuerySet[OutgoingEmail]:
        if self.state:
            emails = emails.filter(state=self.state)
        return emails.filter(to__iexact=self.to) if self.to else emails


def list_emails(viewer: User, filters: EmailFilter) -> QuerySet[OutgoingEmail]:
    """For admins alone, newest first."""
    emails = filters.apply(OutgoingEmail.objects.select_related("ticket", "user"))
    return emails if viewer.is_admin else emails.none()


def count_emails(viewer: User) -> dict[str, int]:
    """Letters by state, for admins."""
    rows = list_emails(viewer, EmailFilter()).values("state").order_by().annotate(n=Count("pk"))
    return {row["state"]: row["n"] for row in rows}
