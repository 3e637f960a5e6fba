"""What keeps a form that is sent twice from adding twice."""

import uuid

from django.db import models
from django.utils import timezone


class Addition(models.Model):
    """One form that added something, and what. Kept for a day."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.CharField(max_length=40, help_text="Of the section it was added to.")
    object_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            # serves forgetting those of yesterday
            models.Index(fields=["at"], name="addition_at_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.object_id}"
