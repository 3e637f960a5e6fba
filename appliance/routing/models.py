"""Assignment rules, and the tickets whose assignment is pending."""

from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team, User
from appliance.sla.models import TicketConditions
from appliance.tickets.models import Ticket


class AssignmentRule(TicketConditions):
    """Assigns matching tickets to a team. The first matching rule by ``position`` applies."""

    class Strategy(models.TextChoices):
        MANUAL = "manual", _("Manual")
        ROUND_ROBIN = "round_robin", _("Round robin")
        MIN_OPEN = "least_open", _("Fewest open tickets")

    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="rules")
    strategy = models.CharField(max_length=12, choices=Strategy, default=Strategy.MANUAL)
    last_assignee = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(Upper("name"), name="rule_name_unique")]

    def __str__(self) -> str:
        return self.name


class PendingAssignment(models.Model):
    """A ticket that a rule will assign later: it has no category yet, or no agent is available.

    ``rule`` is the rule that found nobody; null while the ticket waits for its category. The row
    is deleted when the ticket is assigned or solved.
    """

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.CASCADE, related_name="pending_assignment"
    )
    rule = models.ForeignKey(
        AssignmentRule, null=True, on_delete=models.CASCADE, related_name="pending_assignments"
    )
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["since"]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id} pending: {self.rule or 'category'}"
