"""Daily metrics, tickets to recount, and the progress of counting."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team
from appliance.tickets.models import Ticket


class Dimension(models.TextChoices):
    """Dimensions of a report. Days have no rows for ``team``: every row names its team."""

    CATEGORY = "category", _("Category")
    TEAM = "team", _("Team")
    AGENT = "agent", _("Agent")
    ORGANISATION = "organisation", _("Organisation")
    CHANNEL = "channel", _("Channel")
    LANGUAGE = "language", _("Language")


class Day(models.Model):
    """Metrics of one day, team and value of one dimension (``all`` has no values).

    The arrays hold every duration in seconds, so that percentiles over any period are exact.
    """

    on = models.DateField()
    dimension = models.CharField(max_length=12)
    value = models.BigIntegerField(null=True, help_text="Which category, agent or organisation.")
    # CASCADE, never SET_NULL: metrics of a closed team must not become visible to all
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="+")
    opened = models.IntegerField(default=0)
    solved = models.IntegerField(default=0)
    first_response_seconds = ArrayField(models.IntegerField(), default=list)
    resolution_seconds = ArrayField(models.IntegerField(), default=list)
    first_responses_met = models.IntegerField(default=0)
    first_responses_missed = models.IntegerField(default=0)
    resolutions_met = models.IntegerField(default=0)
    resolutions_missed = models.IntegerField(default=0)
    rated_good = models.IntegerField(default=0)
    rated_bad = models.IntegerField(default=0)
    sentiment_count = models.IntegerField(default=0)
    negative = models.IntegerField(default=0)
    positive = models.IntegerField(default=0)

    class Meta:
        indexes = [
            # serves every report: one dimension over a span of days
            models.Index(fields=["dimension", "on"], name="report_day_idx"),
            # serves counting a span of days again
            models.Index(fields=["on"], name="report_on_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.dimension} {self.value or ''}"


class StaleTicket(models.Model):
    """A changed ticket whose days are to be recounted. One row per event, without locks."""

    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id}"


class CountingProgress(models.Model):
    """The last day counted, the time zone of the days, and the last refresh. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    time_zone = models.CharField(max_length=60)
    counted_through = models.DateField(null=True)
    recount_from = models.DateField(null=True, help_text="Next day of a recount.")
    refreshed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="progress_is_one_row")]

    def __str__(self) -> str:
        return f"counted through {self.counted_through}"
