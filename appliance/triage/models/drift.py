"""Figures of model quality per month, and what an admin has set for them."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Measure(models.TextChoices):
    """What is compared with the reference month, in the order of the page."""

    OVERRIDES = "overrides", _("Override rate")
    COVERAGE = "coverage", _("Coverage")
    CALIBRATION = "calibration", _("Calibration error")
    CLASSES = "classes", _("Class mix")
    VOCABULARY = "vocabulary", _("New vocabulary")
    LANGUAGES = "languages", _("Language mix")
    SENTIMENTS = "sentiments", _("Sentiment mix")
    LENGTH = "length", _("Length of tickets")
    CENTROID = "centroid", _("Centroid shift")


class DriftValue(models.Model):
    """One measure of one month, compared with the reference month.

    ``threshold`` of the admin is applied when it is read, so that changing it computes nothing.
    """

    month = models.DateField(help_text="Its first day.")
    measure = models.CharField(max_length=12, choices=Measure)
    value = models.FloatField(null=True, help_text="None: not enough tickets.")
    expected = models.FloatField(default=0, help_text="The value without drift.")
    chance = models.FloatField(default=0, help_text="Distance that chance alone explains.")
    count = models.PositiveIntegerField(default=0, help_text="Tickets or labels it is made of.")
    details = models.JSONField(default=dict)
    inputs = models.CharField(max_length=64, help_text="Digest of bundles, reference month, zone.")
    computed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # serves the page, which reads all months of all measures
            models.UniqueConstraint(fields=["month", "measure"], name="drift_value_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.measure} of {self.month:%Y-%m}: {self.value}"


class DriftSettings(models.Model):
    """Reference month and thresholds; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    chosen_reference = models.DateField(null=True, help_text="None: chosen automatically.")
    reference = models.DateField(null=True, editable=False, help_text="The month in use.")
    reference_bundles = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Bundles it was chosen for."
    )
    month_counts = models.JSONField(
        default=dict, editable=False, help_text="First day of a month to its number of tickets."
    )
    thresholds = models.JSONField(default=dict, help_text="Measure to threshold, if not default.")
    checked_at = models.DateTimeField(
        null=True, editable=False, help_text="When changed months were last looked for."
    )

    class Meta:
        verbose_name = "model quality"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="drift_settings_is_one_row")
        ]

    def __str__(self) -> str:
        return "thresholds of model quality"
