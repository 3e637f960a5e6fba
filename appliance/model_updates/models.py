"""Which bundles were installed, which run, and everything that was done with them.

These rows are the truth; ``DATA/models/active.json``, which the processes read, follows them.
"""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TrustAnchor(models.Model):
    """One row: the root this desk trusts since it was installed, and the latest time it knows."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    root = models.BinaryField(help_text="The bytes of the pinned root.json.")
    fingerprint = models.CharField(max_length=64, help_text="sha256 of those bytes")
    pinned_at = models.DateTimeField(default=timezone.now)
    pinned_by = models.CharField(max_length=170)
    last_seen_at = models.DateTimeField(help_text="The clock when an update was last verified.")
    newest_release_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="anchor_is_one_row")]

    def __str__(self) -> str:
        return self.fingerprint[:16]


class TrustFloor(models.Model):
    """The highest version seen of one of the four files that vouch for everything else."""

    file = models.CharField(max_length=10, primary_key=True)
    version = models.PositiveBigIntegerField()
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.file} {self.version}"


class InstalledBundle(models.Model):
    """A bundle that came after the release, in ``DATA/models/NAME/VERSION``."""

    class State(models.TextChoices):
        STAGED = "staged", _("installed, never active")
        NEXT = "next", _("computing embeddings")
        TRIAL = "trial", _("trial period")
        GOOD = "good", _("confirmed")
        WITHDRAWN = "withdrawn", _("rolled back")

    role = models.CharField(max_length=12)
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    space = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.STAGED)
    release = models.PositiveBigIntegerField(help_text="Number of the update that brought it.")
    installed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="bundle_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def entry(self) -> str:
        """As active.json spells it."""
        return f"{self.name}/{self.version}"


class ActiveBundle(models.Model):
    """What answers for one role. No bundle: the release's own."""

    role = models.CharField(max_length=12, primary_key=True)
    bundle = models.ForeignKey(
        InstalledBundle, null=True, on_delete=models.PROTECT, related_name="+"
    )
    previous = models.ForeignKey(
        InstalledBundle,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="What ran before; none: the release's own.",
    )
    upcoming = models.ForeignKey(
        InstalledBundle,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Runs once its vectors are written.",
    )
    run = models.ForeignKey(
        "UpdateRun",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Which update changed it last.",
    )
    since = models.DateTimeField(default=timezone.now)
    before = models.JSONField(default=dict, help_text="How it went with what ran before.")

    def __str__(self) -> str:
        return f"{self.role}: {self.bundle or 'of the release'}"


class UpdateRun(models.Model):
    """One try to inspect, apply or go back, with what each step found."""

    class Kind(models.TextChoices):
        INSPECT = "inspect", _("Check update")
        APPLY = "apply", _("Install update")
        ROLLBACK = "rollback", _("Roll back")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for the worker")
        WORKING = "working", _("running")
        ASKS = "asks", _("approval required")
        DONE = "done", _("completed")
        REFUSED = "refused", _("rejected")
        INTERRUPTED = "interrupted", _("interrupted")

    kind = models.CharField(max_length=10, choices=Kind)
    source = models.CharField(max_length=500, help_text="A folder, or the name of what was sent.")
    is_upload = models.BooleanField(default=False)
    accepted = models.JSONField(default=list, help_text="What an admin takes all the same.")
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    by_name = models.CharField(max_length=170)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    step = models.CharField(max_length=14, blank=True)
    steps = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    exit_code = models.PositiveSmallIntegerField(null=True)
    text = models.TextField(blank=True, help_text="How it ended, in a sentence.")
    asks = models.CharField(max_length=12, blank=True, help_text="What would have to be accepted.")
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


class UpdateEvent(models.Model):
    """One step of one run, or what the box did by itself. Append-only."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    run = models.ForeignKey(UpdateRun, null=True, on_delete=models.PROTECT, related_name="events")
    by_name = models.CharField(max_length=170)
    step = models.CharField(max_length=14)
    outcome = models.CharField(max_length=12, help_text="passed, refused, accepted, done …")
    text = models.TextField(blank=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        indexes = [
            # serves the log of updates, newest first
            models.Index(fields=["-at", "-id"], name="update_event_at_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.step} {self.outcome}"
