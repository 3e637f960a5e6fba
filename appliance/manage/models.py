"""Keys that keep a form that is sent twice from creating two objects."""

import uuid

from django.db import models
from django.utils import timezone


class IdempotencyKey(models.Model):
    """The key of a form that created an object, and which. Kept for a day."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    section_slug = models.CharField(max_length=40, help_text="Section the object belongs to.")
    object_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            # serves deleting old keys
            models.Index(fields=["created_at"], name="idempotency_key_created_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.section_slug} {self.object_id}"
