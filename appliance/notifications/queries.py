"""Reads on notices, each scoped to whom they are for, and on the outbox, for admins."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from appliance.accounts.models import User
from appliance.core import cache
from appliance.notifications.models import Notice, OutgoingMail, Preference
from appliance.notifications.subjects import subject_of
from appliance.tickets.models import Ticket

MAX_COUNTED = 100  # beyond it the bell says 99+


def list_notices(viewer: User, *, only_unread: bool = False) -> QuerySet[Notice]:
    """What the viewer was told, newest first; never of a ticket they may not see now.

    Agents read every article, so what they were told of one stays.
    """
    seen = Q(Exists(Ticket.objects.visible_to(viewer).filter(pk=OuterRef("ticket"))))
    if viewer.is_agent:
        seen |= Q(article__isnull=False)
    notices = Notice.objects.filter(seen, user=viewer).select_related("ticket", "article")
    long = ("description", "search_vector", "fields")
    notices = notices.defer(*(f"ticket__{name}" for name in long))
    notices = notices.defer("article__content", "article__search_vector")
    return notices.filter(read_at=None) if only_unread else notices


def count_unread(viewer: User) -> int:
    """At most MAX_COUNTED; from the cache if there."""
    return cache.get_or_compute(
        "unread_notices",
        [viewer.pk],
        lambda: list_notices(viewer, only_unread=True).order_by()[:MAX_COUNTED].count(),
        depends_on=[subject_of(viewer.pk), cache.TEAMS],
    )


def bell_generation(viewer: User) -> int | None:
    """Changes whenever the bell of this person may show another number. One cache read."""
    return cache.generation(subject_of(viewer.pk))


def find_preference(viewer: User) -> Preference | None:
    return Preference.objects.filter(user=viewer).first()


def has_smtp() -> bool:
    """Whether this desk knows a mail server at all."""
    return bool(settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL)


@dataclass(frozen=True)
class MailFilter:
    """What the page of outgoing mail is narrowed to. Empty means all."""

    state: str = ""
    to: str = ""

    def apply(self, letters: QuerySet[OutgoingMail]) -> QuerySet[OutgoingMail]:
        if self.state:
            letters = letters.filter(state=self.state)
        return letters.filter(to__iexact=self.to) if self.to else letters


def list_mail(viewer: User, narrowed: MailFilter) -> QuerySet[OutgoingMail]:
    """For admins alone, newest first."""
    letters = narrowed.apply(OutgoingMail.objects.select_related("ticket", "user"))
    return letters if viewer.is_admin else letters.none()


def count_mail(viewer: User) -> dict[str, int]:
    """Letters by state, for admins."""
    rows = list_mail(viewer, MailFilter()).values("state").order_by().annotate(n=Count("pk"))
    return {row["state"]: row["n"] for row in rows}
