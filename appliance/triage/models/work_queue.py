"""The queue of texts to process: pending ones, leases, and how far the queue is complete."""

from django.db import models


class TextKind(models.TextChoices):
    TICKET = "ticket", "Ticket"
    ARTICLE = "article", "Article"


class PendingText(models.Model):
    """A text that is new, was changed, or lost a prediction.

    Triggers (``sql/triggers.sql``) insert rows in the transaction that causes them, and never
    update one, so that no transaction waits for another.
    """

    kind = models.CharField(max_length=8, choices=TextKind)
    object_id = models.BigIntegerField()

    class Meta:
        indexes = [
            # serves the work queue: the tickets or articles to look at
            models.Index(fields=["kind", "object_id"], name="pending_text_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class BackfillState(models.Model):
    """All texts of a kind were checked once for this bundle.

    From then on every text that the bundle has not processed is a pending text.
    """

    kind = models.CharField(max_length=8, choices=TextKind)
    role = models.CharField(max_length=16)
    bundle = models.CharField(max_length=80, help_text="Its digest; of an encoder, its space.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "role"], name="backfill_state_once_per_role"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.role} {self.bundle[:12]}"


class AnnotationLease(models.Model):
    """A text that is being processed, or that failed. Deleted once all bundles succeeded."""

    class Kind(models.TextChoices):
        TICKET = "ticket", "Ticket"
        ARTICLE = "article", "Article"
        # by the next encoder, beside the active one
        NEXT_TICKET = "next_ticket", "Ticket (next encoder)"
        NEXT_ARTICLE = "next_article", "Article (next encoder)"

    kind = models.CharField(max_length=16, choices=Kind)
    object_id = models.BigIntegerField()
    text_sha256 = models.CharField(max_length=64)
    bundles = models.CharField(max_length=64, help_text="Digest of the bundles at work.")
    attempts = models.PositiveSmallIntegerField()
    leased_until = models.DateTimeField(null=True, help_text="No other worker takes it before.")
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id"], name="lease_once_per_text"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}, attempt {self.attempts}"
