"""Where the backlog has to look: what was touched since all texts were looked through."""

from django.db import models


class Kind(models.TextChoices):
    TICKET = "ticket", "Ticket"
    ARTICLE = "article", "Article"


class PendingText(models.Model):
    """A text that is new or reads otherwise, or lost what was said of it. Written by triggers
    (migration 0008) in the transaction that did it, and only ever inserted: nobody waits for it.
    """

    kind = models.CharField(max_length=8, choices=Kind)
    object_id = models.BigIntegerField()

    class Meta:
        indexes = [
            # serves the backlog: which tickets, which articles are to be looked at
            models.Index(fields=["kind", "object_id"], name="pending_text_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class BackfillState(models.Model):
    """All texts of a kind were looked through for this bundle: whatever it has not read as it reads
    now is among the touched ones.
    """

    kind = models.CharField(max_length=8, choices=Kind)
    role = models.CharField(max_length=16)
    bundle = models.CharField(max_length=80, help_text="Its digest; of an encoder, its space.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "role"], name="backfill_state_once_per_role"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.role} {self.bundle[:12]}"
