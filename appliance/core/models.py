"""The desk itself, and what admins changed on it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

# What agents may do unless an admin says otherwise (accounts.models.Right).
AGENT_RIGHTS = ["articles", "share", "bulk", "merge", "customers", "reports"]


def agent_rights() -> list[str]:
    return list(AGENT_RIGHTS)


class Desk(models.Model):
    """One row: this desk's name, its rules, and when it was set up."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=80, default="Help desk")
    set_up_at = models.DateTimeField(null=True, blank=True)
    logo_id = models.UUIDField(null=True, blank=True, editable=False, help_text="A stored file.")
    base_url = models.CharField(
        max_length=200, blank=True, help_text="How people reach the desk; links in mail begin so."
    )
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=60, default="UTC", help_text="An IANA name.")
    is_registration_open = models.BooleanField(default=True)
    guests_may_ask = models.BooleanField(default=False)
    is_knowledge_public = models.BooleanField(default=False)
    asks_for_rating = models.BooleanField(default=True)
    close_solved_after_days = models.PositiveSmallIntegerField(
        null=True, blank=True, default=7, help_text="Empty: solved tickets stay solved."
    )
    attachment_limit_mb = models.PositiveSmallIntegerField(default=10)
    agent_rights = models.JSONField(default=agent_rights, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="desk_is_one_row")]
        verbose_name_plural = "desk"

    def __str__(self) -> str:
        return self.name


class Change(models.Model):
    """One change of the desk's set-up or of a person. Append-only, like the events of tickets."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_name = models.CharField(max_length=170)
    verb = models.CharField(max_length=40, help_text="added, changed, removed, deactivated …")
    kind = models.CharField(max_length=40, help_text="What sort of thing: team, person, policy …")
    subject = models.CharField(max_length=200, help_text="Which one.")
    subject_id = models.CharField(max_length=40, blank=True, db_default="", editable=False)
    data = models.JSONField(default=dict, help_text="Field to what it was and what it became.")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            # serves the page of changes, newest first
            models.Index(fields=["-at", "-id"], name="change_at_idx"),
            # serves the history of one thing: of an article
            models.Index(fields=["kind", "subject_id", "-at", "-id"], name="change_subject_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.verb} {self.kind} {self.subject}"
