"""Who gets a new ticket."""

from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team, User
from appliance.tickets.models import Ticket, TicketCategory


class AssignmentRule(models.Model):
    """Hands the tickets it fits to a team. Of those that fit, the first in order counts.

    An empty condition fits every ticket.
    """

    class Way(models.TextChoices):
        HAND = "hand", _("by hand: it waits in the team's queue")
        ROUND = "round", _("in turn")
        LEAST = "least", _("to whoever has the fewest open tickets")

    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0)
    categories = models.ManyToManyField(TicketCategory, blank=True, related_name="+")
    priorities = models.JSONField(default=list, blank=True, help_text="Values of Priority.")
    is_premium = models.BooleanField(null=True, blank=True, help_text="Empty: either.")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="rules")
    way = models.CharField(max_length=5, choices=Way, default=Way.HAND)
    last_assignee = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(Upper("name"), name="rule_name_unique")]

    def __str__(self) -> str:
        return self.name


class Waiting(models.Model):
    """A ticket that a rule will still place: it is not sorted yet, or nobody works now.

    The row goes when somebody takes the ticket, or it ends. ``rule`` is the one that found
    nobody; without one the ticket waits to be sorted, until ``until`` at most.
    """

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.CASCADE, related_name="waiting_for_rule"
    )
    rule = models.ForeignKey(
        AssignmentRule, null=True, on_delete=models.CASCADE, related_name="waiting"
    )
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["since"]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id} waits for {self.rule or 'its category'}"
