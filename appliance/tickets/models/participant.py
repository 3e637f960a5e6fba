"""People besides the customer who take part in the conversation on a ticket by e-mail."""

from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone

from appliance.accounts.models import Customer, User
from appliance.tickets.models.ticket import Ticket


class Participant(models.Model):
    """Somebody who gets the replies on a ticket by e-mail and may answer; never a note."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="participants")
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=170, blank=True)
    added_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [
            models.UniqueConstraint("ticket", Upper("email"), name="participant_unique"),
        ]
        indexes = [
            # serves erasing a person who is anonymised
            models.Index(Upper("email"), name="participant_email_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email

    @property
    def label(self) -> str:
        """The name, or the address where there is none."""
        return self.name or self.email
