"""Metrics over time, for the charts of the status page."""

from django.db import models
from django.utils import timezone


class Sample(models.Model):
    """Metrics of one moment: counters, which grow until a server restarts, and current values.

    Samples are thinned out as they age (sql/thin.sql), so there are about 3,000 rows at most.
    """

    at = models.DateTimeField(default=timezone.now, editable=False)
    figures = models.JSONField(default=dict, help_text="Name to number; timings by role.")

    class Meta:
        ordering = ["at"]
        indexes = [
            # serves the charts of a time range and the newest sample
            models.Index(fields=["-at"], name="sample_at_idx"),
        ]

    def __str__(self) -> str:
        return f"sample of {self.at:%Y-%m-%d %H:%M}"
