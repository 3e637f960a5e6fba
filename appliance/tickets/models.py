"""Tickets, what was said on them, and what happened to them."""

import uuid

from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from appliance.accounts.models import Customer, User
from appliance.core.fields import search_vector_of


class Status(models.TextChoices):
    NEW = "new", "New"
    OPEN = "open", "Open"
    WAITING = "waiting", "Waiting on customer"
    SOLVED = "solved", "Solved"
    CLOSED = "closed", "Closed"


OPEN_STATUSES = (Status.NEW, Status.OPEN, Status.WAITING)


class Priority(models.IntegerChoices):
    LOW = 1, "Low"
    NORMAL = 2, "Normal"
    HIGH = 3, "High"
    URGENT = 4, "Urgent"


class TicketCategory(models.Model):
    """What a ticket is about. Zero-label sorting reads the description and the examples."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.TextField(max_length=1000, blank=True)
    examples = models.JSONField(
        default=list, blank=True, help_text="Short phrases a customer would write, as a list."
    )
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "ticket categories"

    def __str__(self) -> str:
        return self.name

    @property
    def reading(self) -> str:
        """What the sorter reads to know this category."""
        return ". ".join([self.name, self.description.rstrip("."), *map(str, self.examples)])


class TicketQuerySet(models.QuerySet):
    def open(self) -> "TicketQuerySet":
        return self.filter(status__in=OPEN_STATUSES)

    def visible_to(self, viewer: User) -> "TicketQuerySet":
        """Agents see every ticket, a customer their own, anybody else none."""
        if not viewer.is_authenticated or not viewer.is_active:
            return self.none()
        return self if viewer.is_agent else self.filter(customer__user=viewer)


class Ticket(models.Model):
    """One question or fault of one customer."""

    customer = models.ForeignKey(  # indexed below, together with the time
        Customer, on_delete=models.PROTECT, related_name="tickets", db_index=False
    )
    subject = models.CharField(max_length=200)
    description = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    category = models.ForeignKey(
        TicketCategory, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets"
    )
    assignee = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned_tickets"
    )
    sentiment_score = models.FloatField(null=True, blank=True, help_text="−1 unhappy … 1 happy")
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    submission_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    search_vector = search_vector_of("subject", "description")

    objects = TicketQuerySet.as_manager()

    class Meta:
        indexes = [
            # serves lists, newest first, and their keyset pages
            models.Index(fields=["-created_at", "-id"], name="ticket_created_idx"),
            # serves queues: one status, one priority, newest first
            models.Index(fields=["status", "priority", "-created_at"], name="ticket_queue_idx"),
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
        """What people call it: SKR-1042."""
        return f"SKR-{self.pk}"

    @property
    def text(self) -> str:
        """What the language models read."""
        return f"{self.subject}\n{self.description}"


class Message(models.Model):
    """A reply the customer sees, or a note only agents see."""

    class Kind(models.TextChoices):
        REPLY = "reply", "Reply"
        NOTE = "note", "Internal note"

    ticket = models.ForeignKey(  # indexed below, together with the time
        Ticket, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=170)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.REPLY)
    is_from_customer = models.BooleanField(default=False)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    submission_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            # serves the conversation of a ticket, in order
            models.Index(fields=["ticket", "created_at"], name="message_ticket_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} by {self.author_name} on SKR-{self.ticket_id}"


class Event(models.Model):
    """One change of one ticket. Append-only: the database refuses to change or delete a row."""

    class Kind(models.TextChoices):
        OPENED = "opened", "opened the ticket"
        REPLIED = "replied", "replied"
        NOTED = "noted", "added a note"
        STATUS = "status", "changed the status"
        PRIORITY = "priority", "changed the priority"
        CATEGORY = "category", "changed the category"
        ASSIGNEE = "assignee", "changed the assignee"
        SORTED = "sorted", "sorted the ticket"

    ticket = models.ForeignKey(  # indexed below, together with the time
        Ticket, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=170)
    kind = models.CharField(max_length=10, choices=Kind)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            # serves reports over a span of time; rows arrive in time order, so BRIN is enough
            BrinIndex(fields=["at"], name="event_at_brin", autosummarize=True),
            # serves the time line of a ticket
            models.Index(fields=["ticket", "at"], name="event_ticket_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.get_kind_display()}"
