"""What each day brought, counted once; and how far the counting is."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Team
from appliance.tickets.models import Ticket


class Dimension(models.TextChoices):
    """What figures are told apart by. ``team`` needs no rows of its own: every row has its team."""

    CATEGORY = "category", _("Category")
    TEAM = "team", _("Team")
    AGENT = "agent", _("Agent")
    ORGANISATION = "organisation", _("Organisation")


class Day(models.Model):
    """Figures of one day, one team and one value of one dimension (``all`` has no values).

    Lists hold every single duration, so that a median over any span is exact.
    """

    on = models.DateField()
    dimension = models.CharField(max_length=12)
    value = models.BigIntegerField(null=True, help_text="Which category, agent or organisation.")
    # CASCADE, never SET_NULL: figures of a closed team must not become everybody's
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
    moods_read = models.IntegerField(default=0)
    unhappy = models.IntegerField(default=0)
    happy = models.IntegerField(default=0)

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
    """A ticket changed: the days it belongs to are counted again. One row an event, no locks."""

    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return f"SKR-{self.ticket_id}"


class Progress(models.Model):
    """One row: until which day all is counted, in whose days, and when it was last looked at."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    time_zone = models.CharField(max_length=60)
    counted_through = models.DateField(null=True)
    again_from = models.DateField(null=True, help_text="Where counting everything again is.")
    refreshed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="progress_is_one_row")]

    def __str__(self) -> str:
        return f"counted through {self.counted_through}"
