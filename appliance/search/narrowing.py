"""What a search is narrowed to, beside its words. Only what is named here reaches the database."""

from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Q, QuerySet
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models import OPEN_STATUSES

UNSOLVED = "unsolved"  # of status: whatever is open still
NONE = "none"
OF_TICKETS = ("status", "customers", "tag", "assignee")  # nothing else has these


@dataclass(frozen=True)
class Narrowed:
    """Empty means everything."""

    status: str = ""  # one of Status, or UNSOLVED
    category: str = ""  # a slug, or NONE
    customers: tuple[int, ...] = ()
    tag: str = ""
    assignee: str = ""  # "me", "nobody" or an id
    after: date | None = None  # that day or later
    before: date | None = None  # earlier than that day

    @property
    def is_narrowed(self) -> bool:
        return self != Narrowed()

    @property
    def is_for_tickets(self) -> bool:
        """Whether only tickets can fit."""
        return any(getattr(self, name) for name in OF_TICKETS)

    def tickets(self, rows: QuerySet, viewer: User) -> QuerySet:
        wanted = self._common("created_at")
        if self.status == UNSOLVED:
            wanted &= Q(status__in=OPEN_STATUSES)
        elif self.status:
            wanted &= Q(status=self.status)
        if self.customers:
            wanted &= Q(customer__in=self.customers)
        if self.tag:
            wanted &= Q(tags__name__iexact=self.tag)
        if self.assignee:
            wanted &= Q(assignee=self._assignee(viewer))
        return rows.filter(wanted)

    def articles(self, rows: QuerySet) -> QuerySet:
        return rows.filter(self._common("updated_at"))

    def _common(self, moment: str) -> Q:
        wanted = Q()
        if self.category:
            wanted &= Q(category__slug=None if self.category == NONE else self.category)
        if self.after:
            wanted &= Q(**{f"{moment}__gte": _start_of(self.after)})
        if self.before:
            wanted &= Q(**{f"{moment}__lt": _start_of(self.before)})
        return wanted

    def _assignee(self, viewer: User) -> int | None:
        return {"me": viewer.pk, "nobody": None}.get(self.assignee, self.assignee)


def _start_of(day: date) -> datetime:
    """In the time zone of whoever asks."""
    return timezone.make_aware(datetime.combine(day, time.min))
