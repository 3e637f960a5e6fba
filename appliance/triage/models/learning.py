"""Category labels that people gave to tickets, and what the desk has learned from them."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.tickets.models import Ticket, TicketCategory


class CategoryLabel(models.Model):
    """The category that people agreed on for a ticket; one row a ticket, the latest counts.

    A stronger source replaces a weaker one, never the other way round.
    """

    class Source(models.TextChoices):
        CORRECTED = "corrected", _("Corrected by an agent")
        CONFIRMED = "confirmed", _("Confirmed by an agent")
        KEPT = "kept", _("Kept until the ticket was closed")  # weak: nobody looked at it

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="category_label")
    category = models.ForeignKey(TicketCategory, on_delete=models.CASCADE, related_name="labels")
    source = models.CharField(max_length=9, choices=Source)
    predicted = models.CharField(max_length=40, blank=True, help_text="The first guess before.")
    confidence = models.FloatField(null=True, help_text="Of the prediction.")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        indexes = [
            # serves the counts of labels per category, and the training rows in order of time
            models.Index(fields=["category", "-at"], name="category_label_idx"),
            # serves the counts of labels by category and source
            models.Index(fields=["category", "source"], name="category_label_source_idx"),
            # serves the training: the newest labels, and whether any came since
            models.Index(fields=["-at"], name="category_label_at_idx"),
        ]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id} is {self.category} ({self.source})"


class CategoryHead(models.Model):
    """A linear head fitted on the labels of this desk, with the verdict on it.

    It reads the vectors of one embedding space and is used while that space is active.
    """

    class State(models.TextChoices):
        REFUSED = "refused", _("Not accepted")
        READY = "ready", _("Ready to be activated")
        ACTIVE = "active", _("Active")
        REPLACED = "replaced", _("Replaced")
        ROLLED_BACK = "rolled_back", _("Rolled back")

    state = models.CharField(max_length=11, choices=State)
    space = models.CharField(max_length=80)
    content = models.BinaryField(default=bytes, help_text="Empty: it was refused.")
    counts = models.JSONField(default=dict, help_text="Labels it has learned from, by slug.")
    evaluation = models.JSONField(default=dict, help_text="head_evaluation.Evaluation")
    changes = models.JSONField(default=dict, help_text="What it would change: open, changed, ...")
    taught_until = models.DateTimeField(null=True, help_text="The newest label it has seen.")
    seconds = models.FloatField(default=0.0, help_text="The training took.")
    previous = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    trained_at = models.DateTimeField(default=timezone.now, editable=False)
    activated_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "learned head"
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                condition=models.Q(state="active"),
                name="category_head_one_is_active",
            ),
        ]
        indexes = [
            # serves the history, and the newest candidate
            models.Index(fields=["-trained_at"], name="category_head_trained_idx"),
        ]

    def __str__(self) -> str:
        return f"head {self.pk}"


class LearningSettings(models.Model):
    """One row: what is learned without a click, and what the votes of suggestions are worth."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    is_nightly = models.BooleanField(
        default=True, help_text="Train every night, and activate what is accepted."
    )
    uses_feedback = models.BooleanField(
        default=True, help_text="Rank articles by what helped, where that is proven."
    )
    feedback_report = models.JSONField(default=dict, help_text="feedback_replay.Replay")
    replayed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "learning settings"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="learning_is_one_row")]

    def __str__(self) -> str:
        return "learning"
