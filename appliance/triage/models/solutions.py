"""What solved a ticket: the sentences of its agent that are offered on similar tickets."""

from django.db import models
from django.utils import timezone

from appliance.accounts.models import User
from appliance.tickets.models import Status, Ticket

COMPLETED_STATUSES = (Status.SOLVED, Status.CLOSED)


class SolutionQuerySet(models.QuerySet["Solution"]):
    def due(self) -> "SolutionQuerySet":
        """Filter by the solved tickets whose sentences the worker has to choose, newest first."""
        waiting = self.filter(extracted_at=None, due_at__lte=timezone.now())
        return waiting.order_by("-due_at", "-pk")

    def offered_to(self, viewer: User) -> "SolutionQuerySet":
        """Filter by the solutions an agent is offered: of visible tickets that stayed solved.

        Empty for others.
        """
        if not (viewer.is_authenticated and viewer.is_active and viewer.is_agent):
            return self.none()
        solved = Ticket.objects.visible_to(viewer).filter(
            status__in=COMPLETED_STATUSES, merged_into=None
        )
        offered = self.filter(ticket__in=solved).exclude(extracted_at=None).exclude(sentences=[])
        return offered.exclude(ticket__rating__is_good=False)


class Solution(models.Model):
    """The sentences of a solved ticket that may help on similar ones; one row a solved ticket.

    Waiting until ``due_at``, since a ticket may be reopened; then the worker chooses the sentences,
    perhaps none. A ticket that is reopened or merged has no row.
    """

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="solution")
    sentences = models.JSONField(default=list, help_text="As they were written, in their order.")
    due_at = models.DateTimeField(help_text="When the ticket counts as solved for good.")
    extracted_at = models.DateTimeField(null=True)

    objects = SolutionQuerySet.as_manager()

    class Meta:
        indexes = [
            # serves the worker: the tickets whose sentences are to be chosen, newest first
            models.Index(
                fields=["-due_at", "-id"],
                condition=models.Q(extracted_at=None),
                name="solution_due_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{len(self.sentences)} sentences of SKR-{self.ticket_id}"
