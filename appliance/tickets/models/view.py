"""What agents keep for themselves: views of the list, and changes of many tickets at once."""

import uuid

from django.db import models
from django.utils import timezone

from appliance.accounts.models import Team, User


class SavedView(models.Model):
    """A filter with a name. Of one person, of a team, or of everybody (``is_shared``)."""

    name = models.CharField(max_length=60)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="views")
    is_shared = models.BooleanField(default=False)
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="views",
        help_text="Shared with this team alone.",
    )
    filter = models.JSONField(default=dict, help_text="What TicketFilter calls it.")
    columns = models.JSONField(default=list, blank=True)
    sort = models.CharField(max_length=20, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class BulkChange(models.Model):
    """One change of many tickets, with what it takes to undo it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)
    action = models.CharField(max_length=200)
    changes = models.JSONField(default=dict, help_text="What was asked, as change_many takes it.")
    total = models.PositiveIntegerField(default=0)
    pending = models.JSONField(default=list, help_text="Tickets it has yet to come to.")
    before = models.JSONField(default=list, help_text="Ticket, field, value before and after.")
    skipped = models.JSONField(default=list, help_text="Ticket, and why it was left as it was.")
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    undone_at = models.DateTimeField(null=True, blank=True, editable=False)
    undo_pending = models.JSONField(default=list, help_text="Of ``before``: not yet taken back.")
    undo_skipped = models.JSONField(default=list, help_text="Ticket, and why it stays changed.")
    undo_finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.action} ({len(self.before)})"
