"""Business hours, SLA policies with their escalations, and the SLA timer of each ticket."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Least, Upper
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Organisation, Team, User
from appliance.tickets.models import Priority, Ticket, TicketCategory


class BusinessHours(models.Model):
    """The opening hours of a week in one time zone, with holidays."""

    name = models.CharField(max_length=80, unique=True)
    time_zone = models.CharField(max_length=60, default="UTC", help_text="An IANA name.")
    hours = models.JSONField(
        default=dict,
        help_text='Day of the week (0 is Monday) to spans: {"0": [["08:00", "17:00"]]}.',
    )
    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "business hours"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="business_hours_one_default",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    """A day without business hours: once, or every year on that date."""

    business_hours = models.ForeignKey(
        BusinessHours, on_delete=models.CASCADE, related_name="holidays"
    )
    on = models.DateField()
    name = models.CharField(max_length=80)
    is_yearly = models.BooleanField(default=False)

    class Meta:
        ordering = ["on"]
        constraints = [
            models.UniqueConstraint(fields=["business_hours", "on"], name="holiday_unique")
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.on}"


class SlaMetric(models.TextChoices):
    """The two targets of an SLA policy."""

    FIRST_RESPONSE = "first_response", _("first response")
    RESOLUTION = "resolution", _("resolution")


class TicketConditions(models.Model):
    """Which tickets a policy or rule applies to. An empty condition matches every ticket."""

    priorities = models.JSONField(default=list, blank=True, help_text="Values of Priority.")
    categories = models.ManyToManyField(TicketCategory, blank=True, related_name="+")
    is_premium = models.BooleanField(null=True, blank=True, help_text="Empty: either.")

    class Meta:
        abstract = True


class SlaPolicy(TicketConditions):
    """Response and resolution targets for the tickets that meet its conditions.

    The first matching policy by ``position`` applies. Removing a policy clears ``is_active``;
    reports keep it.
    """

    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    organisations = models.ManyToManyField(Organisation, blank=True, related_name="+")
    names_organisations = models.BooleanField(
        default=False,
        editable=False,
        help_text="Stays set when the last organisation is deleted: the policy then matches none.",
    )
    business_hours = models.ForeignKey(
        BusinessHours,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the default ones.",
    )
    first_response_minutes = models.PositiveIntegerField(null=True, blank=True)
    resolution_minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "SLA policy"
        verbose_name_plural = "SLA policies"
        constraints = [
            models.UniqueConstraint(
                Upper("name"), condition=Q(is_active=True), name="sla_policy_name_unique"
            ),
            models.CheckConstraint(
                condition=Q(first_response_minutes__gt=0) | Q(resolution_minutes__gt=0),
                name="sla_policy_has_a_target",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Escalation(models.Model):
    """An action some business minutes before (negative) or after a target is due."""

    class Action(models.TextChoices):
        NOTIFY = "notify", _("send notification")
        PRIORITY = "priority", _("raise priority")
        REASSIGN = "reassign", _("reassign ticket")

    class Recipient(models.TextChoices):
        ASSIGNEE = "assignee", _("the assignee")
        TEAM = "team", _("the team")
        ADMINS = "admins", _("the administrators")

    policy = models.ForeignKey(SlaPolicy, on_delete=models.CASCADE, related_name="escalations")
    metric = models.CharField(max_length=14, choices=SlaMetric, default=SlaMetric.FIRST_RESPONSE)
    minutes = models.IntegerField(default=0)
    action = models.CharField(max_length=8, choices=Action, default=Action.NOTIFY)
    recipients = models.JSONField(default=list, blank=True, help_text="Values of Recipient.")
    priority = models.PositiveSmallIntegerField(choices=Priority, null=True, blank=True)
    assignee = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["metric", "minutes", "id"]

    def __str__(self) -> str:
        return f"{self.get_action_display()}, {self.minutes:+d} min of the {self.metric}"


class SlaTimer(models.Model):
    """Business time used on one ticket and the due times of its policy's targets.

    ``used_seconds`` counts until ``running_since``, which is null while the timer is paused. A due
    time no longer changes once its target is met or missed. The next due time is copied to
    ``Ticket.due_at``, by which lists sort.
    """

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.CASCADE, related_name="timer"
    )
    policy = models.ForeignKey(
        SlaPolicy, null=True, on_delete=models.PROTECT, related_name="timers"
    )
    policies_digest = models.CharField(
        max_length=16, help_text="Digest of the policies it was computed from."
    )
    used_seconds = models.FloatField(default=0)
    running_since = models.DateTimeField(null=True)
    is_open = models.BooleanField(default=True, help_text="Not solved, closed or merged away.")
    first_response_due_at = models.DateTimeField(null=True)
    first_response_met_at = models.DateTimeField(null=True)
    resolution_due_at = models.DateTimeField(null=True)
    resolution_met_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # serves recomputing: open timers computed from earlier policies
            models.Index(
                fields=["policies_digest"], condition=Q(is_open=True), name="timer_outdated_idx"
            ),
            # serve the daily counts of reports: met or missed within some days
            models.Index(
                Least("first_response_met_at", "first_response_due_at"),
                condition=Q(first_response_due_at__isnull=False),
                name="report_response_timer_idx",
            ),
            models.Index(
                Least("resolution_met_at", "resolution_due_at"),
                condition=Q(resolution_due_at__isnull=False),
                name="report_resolution_timer_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"SLA timer of SKR-{self.ticket_id}"

    @property
    def is_paused(self) -> bool:
        return self.is_open and self.running_since is None

    def due_at(self, metric: str) -> datetime | None:
        """Return when the target of this metric is due."""
        return getattr(self, f"{metric}_due_at")

    def met_at(self, metric: str) -> datetime | None:
        """Return when the target of this metric was met."""
        return getattr(self, f"{metric}_met_at")


class ScheduledEscalation(models.Model):
    """One escalation of one ticket. The worker that sets ``done_at`` carries it out, once."""

    timer = models.ForeignKey(
        SlaTimer, on_delete=models.CASCADE, related_name="scheduled_escalations"
    )
    escalation = models.ForeignKey(
        Escalation, on_delete=models.CASCADE, related_name="scheduled_escalations"
    )
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    was_skipped = models.BooleanField(
        default=False, help_text="Its time had long passed when it was scheduled."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["timer", "escalation"], name="escalation_once_per_timer"
            ),
        ]
        indexes = [
            # serves the escalation job: what is pending, by time
            models.Index(fields=["at"], condition=Q(done_at=None), name="escalation_pending_idx"),
        ]

    def __str__(self) -> str:
        return f"escalation of SKR-{self.timer_id} at {self.at:%Y-%m-%d %H:%M}"
