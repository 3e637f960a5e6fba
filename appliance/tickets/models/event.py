"""What happened to tickets."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models.ticket import Ticket


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
        TEAM = "team", "changed the team"
        TAGS = "tags", "changed the tags"
        FIELD = "field", "changed a field"
        MERGED = "merged", "merged a ticket"
        SPLIT = "split", "split a ticket off"
        LINKED = "linked", "linked a ticket"
        UNLINKED = "unlinked", "took a link away"
        RATED = "rated", "rated the solution"
        ESCALATED = "escalated", "escalated"
        ANONYMISED = "anonymised", "made the customer anonymous"

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
