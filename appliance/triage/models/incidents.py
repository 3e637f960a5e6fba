"""Incidents: many similar tickets within an hour, which people decide to treat as one."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team, User
from appliance.tickets.models import OPEN_STATUSES, Ticket

MAX_NOTICE_CHARACTERS = 500
UNDO_LIMIT = timedelta(seconds=60)


class IncidentQuerySet(models.QuerySet["Incident"]):
    def accepted_and_open(self) -> "IncidentQuerySet":
        """Filter by the incidents whose parent is not solved yet."""
        return self.filter(
            state=Incident.State.ACCEPTED,
            parent__status__in=OPEN_STATUSES,
            parent__merged_into=None,
        )

    def published(self) -> "IncidentQuerySet":
        """Filter by those that customers may read about; never one of a closed team."""
        published = self.accepted_and_open().exclude(notice="")
        return published.exclude(parent__team__is_closed=True)


class Incident(models.Model):
    """A proposal to treat similar tickets as one incident, and what people made of it.

    What it is called comes from the tickets the viewer may see. Accepted, its tickets are parts of
    ``parent``.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        ACCEPTED = "accepted", _("Accepted")
        DISMISSED = "dismissed", _("Dismissed")

    state = models.CharField(max_length=9, choices=State, default=State.PROPOSED)
    closed_team = models.ForeignKey(
        Team,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Of all its tickets; None: no ticket was of a closed team.",
    )
    parent = models.OneToOneField(
        Ticket, null=True, on_delete=models.CASCADE, related_name="incident"
    )
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, editable=False)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    notice = models.TextField(
        blank=True, max_length=MAX_NOTICE_CHARACTERS, help_text="What customers read of it."
    )
    noticed_at = models.DateTimeField(null=True, editable=False)
    noticed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at", "-id"]
        indexes = [
            # serves the list head, the detection, and what was dismissed within a day
            models.Index(fields=["state", "-last_at"], name="incident_state_idx"),
            # serves the known problems of whoever writes a ticket
            models.Index(
                fields=["parent"],
                condition=Q(state="accepted") & ~Q(notice=""),
                name="incident_published_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"incident {self.pk} ({self.state})"

    @property
    def undo_seconds(self) -> int:
        """For how long its acceptance can still be undone, 0 if it cannot."""
        if self.state != self.State.ACCEPTED or self.decided_at is None:
            return 0
        return max(0, round((self.decided_at + UNDO_LIMIT - timezone.now()).total_seconds()))


class IncidentTicket(models.Model):
    """A ticket that belongs to an incident as far as its text says, and what people decided."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        JOINED = "joined", _("Joined")
        DECLINED = "declined", _("Declined")

    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, related_name="members", db_index=False
    )
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="incident_rows")
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    cosine = models.FloatField(default=0, help_text="To the centre of the incident.")

    class Meta:
        ordering = ["-cosine", "ticket"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "ticket"], name="incident_ticket_once"),
        ]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id} in incident {self.incident_id} ({self.state})"
