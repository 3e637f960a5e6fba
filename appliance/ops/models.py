"""What the machine counted, every five minutes, for charts over time."""

from django.db import models
from django.utils import timezone


class Sample(models.Model):
    """Counters that only grow (but when a server begins anew), and what stood at that moment.

    Thinned as it ages (sql/thin.sql), so some 3,000 rows are the most there ever are.
    """

    at = models.DateTimeField(default=timezone.now, editable=False)
    figures = models.JSONField(default=dict, help_text="Name to number; readings by role.")

    class Meta:
        ordering = ["at"]
        indexes = [
            # serves the charts of a span, and finding the newest sample
            models.Index(fields=["-at"], name="sample_at_idx"),
        ]

    def __str__(self) -> str:
        return f"sample of {self.at:%Y-%m-%d %H:%M}"
