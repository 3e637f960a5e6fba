"""Tickets, links between them, and ratings."""

import uuid
from datetime import UTC, datetime

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, Team, User, Viewer
from appliance.core.fields import RowSearchVectorField
from appliance.core.languages import Language
from appliance.tickets.models.category import Tag, TicketCategory


class Status(models.TextChoices):
    NEW = "new", _("New")
    OPEN = "open", _("Open")
    WAITING = "waiting", _("Waiting for customer")
    HOLD = "hold", _("On hold")
    SOLVED = "solved", _("Solved")
    CLOSED = "closed", _("Closed")


OPEN_STATUSES = (Status.NEW, Status.OPEN, Status.WAITING, Status.HOLD)
# stands for no due time in ticket_due_idx, so that the order has no nulls
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


class Priority(models.IntegerChoices):
    LOW = 1, _("Low")
    NORMAL = 2, _("Normal")
    HIGH = 3, _("High")
    URGENT = 4, _("Urgent")


class Channel(models.TextChoices):
    """How a ticket came in."""

    PORTAL = "portal", _("Portal")
    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")
    WALK_IN = "walk_in", _("Walk-in")
    API = "api", _("API")


class TicketQuerySet(models.QuerySet["Ticket"]):
    def open(self) -> "TicketQuerySet":
        return self.filter(status__in=OPEN_STATUSES)

    def visible_to(self, viewer: Viewer) -> "TicketQuerySet":
        """Return the tickets the viewer may see: the rule that every other read starts from.

        A ticket of a closed team is for its own customer, the members of the team and the admins.
        Of all other tickets, agents see every one; customers see their own, and those of their
        organisation if it shares them. Anybody else sees none.
        """
        if not viewer.is_authenticated or not viewer.is_active:
            return self.none()
        if viewer.is_agent:
            return self._outside_teams(accounts_queries.hidden_team_ids(viewer))
        customer = accounts_queries.find_customer_of(viewer)
        if customer is None:
            return self.none()
        if not accounts_queries.sees_colleagues_tickets(customer):
            return self.filter(customer=customer)
        # one condition on the organisation: an OR with the viewer's own tickets uses no index
        shared = self.filter(customer__organisation=customer.organisation)
        return shared._outside_teams(accounts_queries.closed_team_ids(), except_of=customer)

    def _outside_teams(
        self, team_ids: list[int], *, except_of: Customer | None = None
    ) -> "TicketQuerySet":
        """Leave out the tickets of these teams, except those of one customer."""
        if not team_ids:
            return self
        outside = Q(team=None) | ~Q(team__in=team_ids)
        return self.filter(outside | Q(customer=except_of) if except_of else outside)


class Ticket(models.Model):
    """A request or incident of one customer."""

    customer = models.ForeignKey(  # indexed below, together with the time
        Customer, on_delete=models.PROTECT, related_name="tickets", db_index=False
    )
    subject = models.CharField(max_length=200)
    description = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    channel = models.CharField(
        max_length=10, choices=Channel, default=Channel.PORTAL, db_default=Channel.PORTAL
    )
    language = models.CharField(
        max_length=2,
        choices=Language,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Of its text; empty while it is not recognised.",
    )
    category = models.ForeignKey(
        TicketCategory, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets"
    )
    assignee = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned_tickets"
    )
    team = models.ForeignKey(  # without the team, everybody would see the tickets of a closed one
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets"
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="tickets")
    fields = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Values of custom fields by key."
    )
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged"
    )
    resume_at = models.DateTimeField(null=True, blank=True)
    resume_on = models.DateField(
        null=True, blank=True, help_text="The day of resume_at where it was chosen."
    )
    due_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the next SLA target is due."
    )
    first_response_at = models.DateTimeField(null=True, blank=True, editable=False)
    solved_at = models.DateTimeField(null=True, blank=True, editable=False)
    guest_token_sha256 = models.CharField(max_length=64, blank=True, db_default="", editable=False)
    sentiment_score = models.FloatField(null=True, blank=True, help_text="−1 negative … 1 positive")
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    search_vector = RowSearchVectorField()

    objects = TicketQuerySet.as_manager()

    class Meta:
        indexes = [
            # serves lists, newest first, and their keyset pages
            models.Index(fields=["-created_at", "-id"], name="ticket_created_idx"),
            # serves every status by priority; one priority, newest first
            models.Index(fields=["-priority", "-created_at", "-id"], name="ticket_priority_idx"),
            # serve the daily counts of reports: responded to, or solved, within some days
            models.Index(
                fields=["first_response_at"],
                condition=Q(first_response_at__isnull=False),
                name="report_answered_idx",
            ),
            models.Index(
                fields=["solved_at"],
                condition=Q(solved_at__isnull=False),
                name="report_solved_idx",
            ),
            # serves every status by the last change
            models.Index(fields=["-updated_at", "-id"], name="ticket_updated_idx"),
            # serves the dashboard: open tickets, newest first
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=OPEN_STATUSES),
                name="ticket_open_idx",
            ),
            # serves the unassigned queue
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=OPEN_STATUSES, assignee=None),
                name="ticket_unassigned_idx",
            ),
            # serves the queue of an agent: open tickets of one assignee
            models.Index(
                fields=["assignee", "-created_at"],
                condition=Q(status__in=OPEN_STATUSES),
                name="ticket_assignee_idx",
            ),
            # serves open tickets by priority
            models.Index(
                fields=["-priority", "-created_at", "-id"],
                condition=Q(status__in=OPEN_STATUSES),
                name="ticket_open_priority_idx",
            ),
            # serves open tickets by the last change, and those nobody touched for longest
            models.Index(
                fields=["-updated_at", "-id"],
                condition=Q(status__in=OPEN_STATUSES),
                name="ticket_open_updated_idx",
            ),
            # serves open tickets by what is due next, those without a due time last
            models.Index(
                Coalesce("due_at", Value(NEVER)),
                "id",
                condition=Q(status__in=OPEN_STATUSES),
                name="ticket_due_idx",
            ),
            # serves the queue of a category: its open tickets, newest first
            models.Index(
                fields=["category", "-created_at", "-id"],
                condition=Q(status__in=OPEN_STATUSES),
                name="ticket_category_idx",
            ),
            # serves the queue of a team
            models.Index(
                fields=["team", "-created_at", "-id"],
                condition=Q(status__in=OPEN_STATUSES),
                name="ticket_team_idx",
            ),
            # serves resuming: tickets on hold, by the time they resume
            models.Index(
                fields=["resume_at"], condition=Q(status=Status.HOLD), name="ticket_held_idx"
            ),
            # serves closing: solved tickets, oldest first
            models.Index(
                fields=["solved_at"], condition=Q(status=Status.SOLVED), name="ticket_solved_idx"
            ),
            # serves a guest's secret link
            models.Index(
                fields=["guest_token_sha256"],
                condition=~Q(guest_token_sha256=""),
                name="ticket_guest_idx",
            ),
            # serves which languages are in use
            models.Index(fields=["language"], name="ticket_language_idx"),
            # serves "my tickets" of a customer
            models.Index(fields=["customer", "-created_at"], name="ticket_customer_idx"),
            # serves search by words
            GinIndex(fields=["search_vector"], name="ticket_search_idx"),
            # serves search with typos
            GinIndex(
                fields=["subject"], opclasses=["gin_trgm_ops"], name="ticket_subject_trgm_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"

    @property
    def number(self) -> str:
        """The ticket number that people use, such as SKR-1042."""
        return f"SKR-{self.pk}"

    @property
    def text(self) -> str:
        """The text that language models read."""
        return f"{self.subject}\n{self.description}"


class TicketLink(models.Model):
    """A relation between two tickets, read from source to target."""

    class Kind(models.TextChoices):
        DUPLICATE = "duplicate", _("is a duplicate of")
        CAUSED_BY = "caused_by", _("is caused by")
        CHILD_OF = "child_of", _("is part of")
        SPLIT_FROM = "split_from", _("was split from")
        RELATED = "related", _("is related to")

    source = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="links")
    target = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="links_to")
    kind = models.CharField(max_length=10, choices=Kind)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "kind"], name="link_unique"),
            models.UniqueConstraint(
                fields=["source"], condition=Q(kind="child_of"), name="link_one_parent"
            ),
            models.CheckConstraint(
                condition=~Q(source=models.F("target")), name="link_to_another_ticket"
            ),
        ]

    def __str__(self) -> str:
        return f"SKR-{self.source_id} {self.get_kind_display()} SKR-{self.target_id}"


class Rating(models.Model):
    """The customer's rating of the resolution."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="rating")
    is_good = models.BooleanField()
    comment = models.TextField(max_length=2000, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            # serves the daily counts of reports
            models.Index(fields=["at"], name="report_rated_idx"),
        ]

    def __str__(self) -> str:
        return f"{'good' if self.is_good else 'bad'} for SKR-{self.ticket_id}"
