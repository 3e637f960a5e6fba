"""The filters of a search. Only what is named here reaches the database."""

from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Q, QuerySet
from django.utils import timezone

from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.tickets.models import OPEN_STATUSES, Ticket

UNSOLVED = "unsolved"  # as a status: every status of open tickets
NO_CATEGORY = "none"
TICKET_FILTERS = ("status", "customers", "tag", "assignee")


@dataclass(frozen=True)
class SearchFilters:
    """Filters of a search; an empty value does not filter."""

    status: str = ""  # a Status, or UNSOLVED
    category: str = ""  # a slug, or NO_CATEGORY
    customers: tuple[int, ...] = ()
    tag: str = ""
    assignee: str = ""  # "me", "nobody" or an id
    after: date | None = None  # that day or later
    before: date | None = None  # earlier than that day

    @property
    def is_active(self) -> bool:
        return self != SearchFilters()

    @property
    def matches_tickets_only(self) -> bool:
        return any(getattr(self, name) for name in TICKET_FILTERS)

    def apply_to_tickets(self, tickets: QuerySet[Ticket], viewer: User) -> QuerySet[Ticket]:
        conditions = self._category_and_dates("created_at")
        if self.status == UNSOLVED:
            conditions &= Q(status__in=OPEN_STATUSES)
        elif self.status:
            conditions &= Q(status=self.status)
        if self.customers:
            conditions &= Q(customer__in=self.customers)
        if self.tag:
            conditions &= Q(tags__name__iexact=self.tag)
        if self.assignee:
            conditions &= Q(assignee=self._assignee_id(viewer))
        return tickets.filter(conditions)

    def apply_to_articles(self, articles: QuerySet[Article]) -> QuerySet[Article]:
        return articles.filter(self._category_and_dates("updated_at"))

    def _category_and_dates(self, date_field: str) -> Q:
        conditions = Q()
        if self.category:
            conditions &= Q(category__slug=None if self.category == NO_CATEGORY else self.category)
        if self.after:
            conditions &= Q(**{f"{date_field}__gte": _start_of_day(self.after)})
        if self.before:
            conditions &= Q(**{f"{date_field}__lt": _start_of_day(self.before)})
        return conditions

    def _assignee_id(self, viewer: User) -> int | str | None:
        if self.assignee == "nobody":
            return None
        return viewer.pk if self.assignee == "me" else self.assignee


def _start_of_day(day: date) -> datetime:
    """Return midnight in the time zone of the current request."""
    return timezone.make_aware(datetime.combine(day, time.min))
