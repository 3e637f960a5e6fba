"""Saved views of ticket lists, and bulk changes."""

import uuid

from django.db import models
from django.utils import timezone

from appliance.accounts.models import Team, User


class SavedView(models.Model):
    """A named list of tickets: private, or shared with a team or with everybody."""

    name = models.CharField(max_length=60)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="views")
    is_shared = models.BooleanField(default=False)
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="views",
        help_text="Shared with this team only.",
    )
    filter = models.JSONField(default=dict, help_text="As TicketFilter.as_query returns it.")
    columns = models.JSONField(default=list, blank=True)
    sort = models.CharField(max_length=20, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class BulkChange(models.Model):
    """A change of many tickets, with the values before it for undo."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)
    action = models.CharField(max_length=200)
    changes = models.JSONField(default=dict, help_text="As start_bulk_change takes them.")
    total = models.PositiveIntegerField(default=0)
    pending = models.JSONField(default=list, help_text="Tickets still to be changed.")
    before = models.JSONField(default=list, help_text="Ticket, field, value before and after.")
    skipped = models.JSONField(default=list, help_text="Ticket, and why it was not changed.")
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    undone_at = models.DateTimeField(null=True, blank=True, editable=False)
    undo_pending = models.JSONField(default=list, help_text="Tickets still to be restored.")
    undo_skipped = models.JSONField(default=list, help_text="Ticket, and why it was not restored.")
    undo_finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.action} ({len(self.before)})"
