"""Installed and active bundles, update runs and their events, and the root of trust.

The rows are authoritative; ``DATA/models/active.json``, which the processes read, is derived.
"""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.core.models import AppendOnlyModel


class TrustAnchor(models.Model):
    """One row: the trusted root since installation, and the latest known time."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    root = models.BinaryField(help_text="The bytes of the pinned root.json.")
    fingerprint = models.CharField(max_length=64, help_text="sha256 of those bytes")
    pinned_at = models.DateTimeField(default=timezone.now)
    pinned_by = models.CharField(max_length=170)
    last_seen_at = models.DateTimeField(help_text="When an update was last verified.")
    newest_release_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="anchor_is_one_row")]

    def __str__(self) -> str:
        return self.fingerprint[:16]


class TrustFloor(models.Model):
    """The highest version seen of one of the four TUF metadata files."""

    file = models.CharField(max_length=10, primary_key=True)
    version = models.PositiveBigIntegerField()
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.file} {self.version}"


class InstalledBundle(models.Model):
    """A bundle installed by an update, in ``DATA/models/NAME/VERSION``."""

    class State(models.TextChoices):
        STAGED = "staged", _("installed, never active")
        NEXT = "next", _("computing embeddings")
        TRIAL = "trial", _("trial period")
        CONFIRMED = "confirmed", _("confirmed")
        ROLLED_BACK = "rolled_back", _("rolled back")

    role = models.CharField(max_length=12)
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    space = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.STAGED)
    release = models.PositiveBigIntegerField(help_text="Number of the update it came with.")
    installed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="bundle_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def entry(self) -> str:
        """Its entry in active.json."""
        return f"{self.name}/{self.version}"


class ActiveBundle(models.Model):
    """The bundle of one role; none: the release's own."""

    role = models.CharField(max_length=12, primary_key=True)
    bundle = models.ForeignKey(
        InstalledBundle, null=True, on_delete=models.PROTECT, related_name="+"
    )
    previous = models.ForeignKey(
        InstalledBundle,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="None: the release's own.",
    )
    upcoming = models.ForeignKey(
        InstalledBundle,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Active once its vectors are written.",
    )
    run = models.ForeignKey(
        "UpdateRun",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The run that changed it last.",
    )
    since = models.DateTimeField(default=timezone.now)
    before = models.JSONField(default=dict, help_text="Health metrics of the previous bundle.")

    def __str__(self) -> str:
        return f"{self.role}: {self.bundle or 'of the release'}"


class UpdateRun(models.Model):
    """An inspection, installation or rollback, with the result of each step."""

    class Kind(models.TextChoices):
        INSPECT = "inspect", _("Check update")
        APPLY = "apply", _("Install update")
        ROLLBACK = "rollback", _("Roll back")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for the worker")
        WORKING = "working", _("running")
        NEEDS_APPROVAL = "approval", _("approval required")
        DONE = "done", _("completed")
        REJECTED = "rejected", _("rejected")
        INTERRUPTED = "interrupted", _("interrupted")

    kind = models.CharField(max_length=10, choices=Kind)
    source = models.CharField(max_length=500, help_text="A folder, or the name of an upload.")
    is_upload = models.BooleanField(default=False)
    accepted = models.JSONField(default=list, help_text="Findings an admin accepts.")
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    by_name = models.CharField(max_length=170)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    step = models.CharField(max_length=14, blank=True)
    steps = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    exit_code = models.PositiveSmallIntegerField(null=True)
    text = models.TextField(blank=True, help_text="The outcome in a sentence.")
    needs_approval = models.CharField(
        max_length=12, blank=True, help_text="The finding an admin may accept."
    )
    release = models.PositiveBigIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # serves the history of updates, newest first
            models.Index(fields=["-created_at", "-id"], name="update_run_created_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None


class UpdateEvent(AppendOnlyModel):
    """A step of a run, or an automatic change. Append-only."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    run = models.ForeignKey(UpdateRun, null=True, on_delete=models.PROTECT, related_name="events")
    by_name = models.CharField(max_length=170)
    step = models.CharField(max_length=14)
    outcome = models.CharField(max_length=12, help_text="passed, rejected, accepted, done …")
    text = models.TextField(blank=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        indexes = [
            # serves the log of updates, newest first
            models.Index(fields=["-at", "-id"], name="update_event_at_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.step} {self.outcome}"
