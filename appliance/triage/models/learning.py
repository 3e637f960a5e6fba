"""Category labels that people gave to tickets: what a desk learns from."""

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
        ]

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id} is {self.category} ({self.source})"
