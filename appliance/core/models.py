"""Site settings and the audit log."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.core.languages import sort_languages

# Rights of every agent unless an admin changes them (accounts.models.Right).
DEFAULT_AGENT_RIGHTS = ["articles", "share", "bulk", "merge", "customers", "reports"]


def default_agent_rights() -> list[str]:
    """Return a copy: the field needs a callable."""
    return list(DEFAULT_AGENT_RIGHTS)


class SecondFactorRule(models.TextChoices):
    """Who must confirm a log-in by password with something else."""

    NOBODY = "nobody", _("Optional")
    AGENTS = "agents", _("Required for agents and administrators")
    EVERYBODY = "everybody", _("Required for everybody")


class SiteSettings(models.Model):
    """The only row of its table: name, logo and rules of the site, and when it was set up."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=80, default="Help desk")
    set_up_at = models.DateTimeField(null=True, blank=True)
    logo_id = models.UUIDField(null=True, blank=True, editable=False, help_text="A stored file.")
    base_url = models.CharField(max_length=200, blank=True, help_text="Base of links in e-mails.")
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=60, default="UTC", help_text="An IANA name.")
    languages = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="ISO 639-1 codes of the languages of tickets. Empty: its own and English.",
    )
    is_registration_open = models.BooleanField(default=True)
    is_guest_form_open = models.BooleanField(default=False)
    is_knowledge_public = models.BooleanField(default=False)
    is_rating_enabled = models.BooleanField(default=True)
    close_solved_after_days = models.PositiveSmallIntegerField(
        null=True, blank=True, default=7, help_text="Empty: solved tickets stay solved."
    )
    is_assigned_on_reply = models.BooleanField(
        default=True,
        db_default=True,
        help_text="A reply assigns an unassigned ticket to the agent who wrote it.",
    )
    max_attachment_mb = models.PositiveSmallIntegerField(default=10)
    agent_rights = models.JSONField(default=default_agent_rights, blank=True)
    second_factor = models.CharField(
        max_length=10,
        choices=SecondFactorRule,
        default=SecondFactorRule.NOBODY,
        db_default=SecondFactorRule.NOBODY,
    )
    agent_idle_minutes = models.PositiveSmallIntegerField(
        default=30, db_default=30, help_text="Without activity, until log-out; 0: never."
    )
    customer_idle_minutes = models.PositiveSmallIntegerField(
        default=720, db_default=720, help_text="Without activity, until log-out; 0: never."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="site_settings_single_row")
        ]
        verbose_name = verbose_name_plural = "site settings"

    def __str__(self) -> str:
        return self.name

    @property
    def desk_languages(self) -> list[str]:
        """The languages the desk works in."""
        return self.languages or sort_languages(["en", self.language])


class AppendOnlyModel(models.Model):
    """Rows that are written once. Triggers and the rights of the database's role refuse changes."""

    class Meta:
        abstract = True


class AuditEntry(AppendOnlyModel):
    """One change of the set-up or of a person."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_name = models.CharField(max_length=170)
    verb = models.CharField(max_length=40, help_text="added, changed, removed, deactivated …")
    kind = models.CharField(max_length=40, help_text="Model: team, person, policy …")
    subject = models.CharField(max_length=200, help_text="Name of the object.")
    subject_id = models.CharField(max_length=40, blank=True, db_default="", editable=False)
    data = models.JSONField(default=dict, help_text="Field to its old and new value.")

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-at", "-id"]
        indexes = [
            # serves the audit log page, newest first
            models.Index(fields=["-at", "-id"], name="auditentry_at_idx"),
            # serves the history of one object, for instance an article
            models.Index(
                fields=["kind", "subject_id", "-at", "-id"], name="auditentry_subject_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.verb} {self.kind} {self.subject}"


class AuditSeal(models.Model):
    """What makes a change of an audit entry visible: a hash over the entry and the seal before it.

    A trigger writes it when the transaction of the entry commits (sql/audit_chain.sql). Names and
    data of the entry enter the hash as salted digests. Anonymising erases them with their salts,
    and the chain stays valid. See decision 23.
    """

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="seal"
    )
    position = models.BigIntegerField(null=True, unique=True, help_text="In the chain, from 1.")
    salts = models.JSONField(help_text="actor_name, subject, data; without those that were erased.")
    digests = models.JSONField(help_text="Digest of salt and text of actor_name, subject, data.")
    anonymised_by = models.ForeignKey(
        AuditEntry,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The entry that records why a salt was erased.",
    )
    sha256 = models.CharField(max_length=64, blank=True, db_default="")

    def __str__(self) -> str:
        return f"seal {self.position} of audit entry {self.entry_id}"


class AuditCheck(AppendOnlyModel):
    """The result of one verification of the audit log, and the last seal it saw."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    entries = models.BigIntegerField(help_text="How many were verified.")
    last_position = models.BigIntegerField(default=0)
    last_sha256 = models.CharField(max_length=64, blank=True)
    problem = models.TextField(blank=True, help_text="The first broken entry; empty: none.")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            # serves the status page and the next check, newest first
            models.Index(fields=["-at", "-id"], name="auditcheck_at_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.problem or 'intact'}"
