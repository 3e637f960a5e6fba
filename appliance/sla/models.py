"""What the desk promises, and how far each ticket is from it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Least, Upper
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Organisation, Team, User
from appliance.calendars.models import Calendar
from appliance.tickets.models import Priority, Ticket, TicketCategory


class Measure(models.TextChoices):
    """What is promised."""

    ANSWER = "answer", _("first answer")
    SOLUTION = "solution", _("solution")


class Policy(models.Model):
    """A promise to the tickets it fits. Of those that fit, the first in order counts.

    An empty condition fits every ticket. A policy that was taken away is kept for the reports.
    """

    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    priorities = models.JSONField(default=list, blank=True, help_text="Values of Priority.")
    categories = models.ManyToManyField(TicketCategory, blank=True, related_name="+")
    organisations = models.ManyToManyField(Organisation, blank=True, related_name="+")
    names_organisations = models.BooleanField(
        default=False,
        editable=False,
        help_text="Stays when the last of them is removed: then it fits nobody, not everybody.",
    )
    is_premium = models.BooleanField(null=True, blank=True, help_text="Empty: either.")
    calendar = models.ForeignKey(
        Calendar,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the desk's default.",
    )
    answer_minutes = models.PositiveIntegerField(null=True, blank=True)
    solution_minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(
                Upper("name"), condition=Q(is_active=True), name="policy_name_unique"
            ),
            models.CheckConstraint(
                condition=Q(answer_minutes__gt=0) | Q(solution_minutes__gt=0),
                name="policy_promises_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Escalation(models.Model):
    """What is done some minutes of work before (negative) or after a promise falls due."""

    class Action(models.TextChoices):
        NOTIFY = "notify", _("tell people")
        PRIORITY = "priority", _("raise the priority")
        REASSIGN = "reassign", _("hand the ticket over")

    class Told(models.TextChoices):
        ASSIGNEE = "assignee", _("the assignee")
        TEAM = "team", _("the team")
        ADMINS = "admins", _("the admins")

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="escalations")
    measure = models.CharField(max_length=8, choices=Measure, default=Measure.ANSWER)
    minutes = models.IntegerField(default=0)
    action = models.CharField(max_length=8, choices=Action, default=Action.NOTIFY)
    tells = models.JSONField(default=list, blank=True, help_text="Values of Told.")
    priority = models.PositiveSmallIntegerField(choices=Priority, null=True, blank=True)
    assignee = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["measure", "minutes", "id"]

    def __str__(self) -> str:
        return f"{self.get_action_display()}, {self.minutes:+d} min of the {self.measure}"


class Clock(models.Model):
    """Working time used on one ticket, and when what was promised falls due.

    The time used until ``running_since`` is in ``used_seconds``; while the clock is paused
    ``running_since`` is empty. A due time stays as it was once the promise is met or missed.
    What falls due next stands on the ticket (``Ticket.due_at``), where lists sort by it.
    """

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.CASCADE, related_name="clock"
    )
    policy = models.ForeignKey(Policy, null=True, on_delete=models.PROTECT, related_name="clocks")
    rules = models.CharField(max_length=16, help_text="Digest of the policies it came from.")
    used_seconds = models.FloatField(default=0)
    running_since = models.DateTimeField(null=True)
    is_open = models.BooleanField(default=True, help_text="Not solved, closed or merged away.")
    answer_due_at = models.DateTimeField(null=True)
    answer_met_at = models.DateTimeField(null=True)
    solution_due_at = models.DateTimeField(null=True)
    solution_met_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # serves recomputing: open clocks that came from other policies than today's
            models.Index(fields=["rules"], condition=Q(is_open=True), name="clock_stale_idx"),
            # serve the daily counts of reports: met or missed within some days
            models.Index(
                Least("answer_met_at", "answer_due_at"),
                condition=Q(answer_due_at__isnull=False),
                name="report_answer_clock_idx",
            ),
            models.Index(
                Least("solution_met_at", "solution_due_at"),
                condition=Q(solution_due_at__isnull=False),
                name="report_solution_clock_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"clock of SKR-{self.ticket_id}"

    @property
    def is_paused(self) -> bool:
        return self.is_open and self.running_since is None

    def due_at(self, measure: str) -> models.DateTimeField | None:
        return getattr(self, f"{measure}_due_at")

    def met_at(self, measure: str) -> models.DateTimeField | None:
        return getattr(self, f"{measure}_met_at")


class Alarm(models.Model):
    """One escalation of one ticket: planned, then done once. Whoever sets ``done_at`` does it."""

    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="alarms")
    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="alarms")
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    was_skipped = models.BooleanField(
        default=False, help_text="Its moment was long over when it was planned."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clock", "escalation"], name="alarm_once_a_clock"),
        ]
        indexes = [
            # serves the job that escalates: what is pending, by its moment
            models.Index(fields=["at"], condition=Q(done_at=None), name="alarm_pending_idx"),
        ]

    def __str__(self) -> str:
        return f"alarm of SKR-{self.clock_id} at {self.at:%Y-%m-%d %H:%M}"
