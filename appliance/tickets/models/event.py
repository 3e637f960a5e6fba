"""What happened to tickets."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.tickets.models.ticket import Priority, Status, Ticket

LABELS = {"status": dict(Status.choices), "priority": dict(Priority.choices)}  # of raw values


class Event(models.Model):
    """One change of one ticket. Append-only: the database refuses to change or delete a row."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("created the ticket")
        REPLIED = "replied", _("replied")
        NOTED = "noted", _("added an internal note")
        STATUS = "status", _("changed the status")
        PRIORITY = "priority", _("changed the priority")
        CATEGORY = "category", _("changed the category")
        ASSIGNEE = "assignee", _("changed the assignee")
        CLASSIFIED = "classified", _("classified the ticket")
        TEAM = "team", _("changed the team")
        TAGS = "tags", _("changed the tags")
        FIELD = "field", _("changed a custom field")
        MERGED = "merged", _("merged a ticket")
        SPLIT = "split", _("split the ticket")
        LINKED = "linked", _("linked a ticket")
        UNLINKED = "unlinked", _("removed a link")
        RATED = "rated", _("rated the resolution")
        ESCALATED = "escalated", _("escalated")
        ANONYMISED = "anonymised", _("anonymised the customer")

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

    @property
    def was(self) -> str:
        """What it changed from, in the language of whoever reads."""
        return self._shown("from")

    @property
    def became(self) -> str:
        """What it changed to, likewise."""
        return self._shown("to")

    def _shown(self, side: str) -> str:
        value = self.data.get(side, "")
        return str(LABELS.get(self.kind, {}).get(value, value))
