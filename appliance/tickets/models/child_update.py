"""Replies and solutions that go from a parent to the tickets that are part of it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from appliance.accounts.models import User
from appliance.files.models import StoredFile
from appliance.tickets.models.ticket import Status, Ticket


class ChildUpdate(models.Model):
    """A reply or a status for a parent and its children, which takes effect a minute later.

    Whoever works through it removes one ticket from ``pending`` in the transaction that changes
    that ticket, so that any worker can finish what another one left.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    parent = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="child_updates")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    body = models.TextField(blank=True, help_text="Of the reply, until it is sent; or empty.")
    status = models.CharField(max_length=8, choices=Status, blank=True)
    cc = models.JSONField(default=list, help_text="Names and addresses, for the parent alone.")
    files = models.ManyToManyField(StoredFile, blank=True, related_name="+")
    pending = models.JSONField(default=list, help_text="Tickets still to be changed.")
    changed = models.JSONField(default=list, help_text="Tickets that were changed.")
    skipped = models.JSONField(default=list, help_text="Ticket, and why it was not changed.")
    total = models.PositiveIntegerField(default=0)
    is_reply = models.BooleanField(default=True)
    at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(help_text="Until then it can be undone.")
    undone_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        indexes = [
            # serves the worker: what is due
            models.Index(
                fields=["due_at"],
                condition=Q(finished_at=None, undone_at=None),
                name="child_update_due_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.total} tickets from SKR-{self.parent_id}"

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None or self.undone_at is not None

    @property
    def undo_seconds(self) -> int:
        """For how long it can still be undone, 0 if it cannot."""
        if self.is_over:
            return 0
        return max(0, round((self.due_at - timezone.now()).total_seconds()))

    @property
    def steps_done(self) -> int:
        return self.total - len(self.pending)
