"""Directories, who comes from them, what their groups mean, and the log of their syncs."""

from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Customer, Role, Team, User
from appliance.core.encryption import EncryptedTextField
from appliance.directory.presets import NOT_TAKEN_OVER, PRESETS, DirectoryKind, Preset

DEFAULT_MAX_DISABLED_PERCENT = 20
DEFAULT_MAX_FAILED_LOGINS = 4  # Windows domains commonly lock an account after five to ten


class Security(models.TextChoices):
    LDAPS = "ldaps", _("LDAPS (TLS from the start)")
    STARTTLS = "starttls", _("StartTLS")
    PLAIN = "plain", _("None (a server on this machine only)")


class DefaultAccess(models.TextChoices):
    """What people may do who are in none of the mapped groups."""

    CUSTOMER = "customer", _("They can sign in as customers")
    NONE = "none", _("They cannot sign in")


class Directory(models.Model):
    """One LDAP directory or domain: how it is reached, and what is taken over from it."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=DirectoryKind)
    servers = models.JSONField(default=list, help_text="Host names, tried in this order.")
    port = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: 636 or 389.")
    security = models.CharField(max_length=8, choices=Security, default=Security.LDAPS)
    ca_certificate = models.TextField(blank=True, help_text="PEM; empty: the system's CAs.")
    bind_dn = models.CharField(max_length=500, blank=True)
    bind_password = EncryptedTextField(blank=True, default="")
    base_dn = models.CharField(max_length=500)
    user_filter = models.CharField(max_length=1000, blank=True, help_text="Empty: of the kind.")
    attributes = models.JSONField(default=dict, help_text="Those that differ from the kind's.")
    domains = models.JSONField(default=list, help_text="Of the e-mail addresses it decides about.")
    default_access = models.CharField(
        max_length=8, choices=DefaultAccess, default=DefaultAccess.CUSTOMER
    )
    links_existing_accounts = models.BooleanField(default=False)
    max_disabled_percent = models.PositiveSmallIntegerField(default=DEFAULT_MAX_DISABLED_PERCENT)
    max_failed_logins = models.PositiveSmallIntegerField(default=DEFAULT_MAX_FAILED_LOGINS)
    is_active = models.BooleanField(default=False)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    alarmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    problem = models.JSONField(default=dict, editable=False, help_text="Code and details.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "directories"
        constraints = [models.UniqueConstraint(Upper("name"), name="directory_name_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def preset(self) -> Preset:
        return PRESETS[self.kind]

    @property
    def person_filter(self) -> str:
        """The filter of entries that are people."""
        return self.user_filter or self.preset.user_filter

    @property
    def effective_port(self) -> int:
        return self.port or (636 if self.security == Security.LDAPS else 389)

    def attribute(self, name: str) -> str:
        """Return the name of an attribute in this directory; empty if it is not taken over."""
        attribute = self.attributes.get(name) or self.preset.attributes[name]
        return "" if attribute == NOT_TAKEN_OVER else attribute

    @property
    def domain_name(self) -> str:
        r"""Return what people type before ``\name`` in a Windows domain: the first part of it."""
        return self.base_dn.lower().partition("dc=")[2].partition(",")[0]

    def is_responsible_for(self, email: str) -> bool:
        """Return whether the directory decides whose this address is."""
        return email.rpartition("@")[2].lower() in self.domains


class GroupMapping(models.Model):
    """Members of a group, also through other groups, get a role and belong to teams."""

    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="mappings")
    group_dn = models.CharField(max_length=500)
    role = models.CharField(max_length=10, choices=Role)
    teams = models.ManyToManyField(Team, blank=True, related_name="+")

    class Meta:
        ordering = ["group_dn"]
        constraints = [
            models.UniqueConstraint(
                "directory", Upper("group_dn"), name="group_mapping_directory_group_unique"
            )
        ]

    def __str__(self) -> str:
        return self.group_dn


class DirectoryLink(models.Model):
    """The entry of a directory that a customer, and a user who can sign in, come from."""

    class State(models.TextChoices):
        PRESENT = "present", _("active")
        DISABLED = "disabled", _("disabled in the directory")
        MISSING = "missing", _("no longer in the directory")

    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="links")
    entry_id = models.CharField(max_length=64, help_text="Stays when the entry moves.")
    dn = models.TextField()
    login_name = models.CharField(max_length=254, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.PRESENT)
    is_locked_out = models.BooleanField(
        default=False, help_text="The sync deactivated the user, and activates them again."
    )
    user = models.OneToOneField(
        User, null=True, on_delete=models.SET_NULL, related_name="directory_link"
    )
    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.SET_NULL, related_name="directory_links"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            # serves the sync: the links of the entries it has read
            models.UniqueConstraint(
                fields=["directory", "entry_id"], name="directory_link_entry_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.dn


class SyncRun(models.Model):
    """One comparison with a directory, and what it changed; a row for every one that is shown."""

    class Kind(models.TextChoices):
        FULL = "full", _("Sync")
        ACCESS = "access", _("Check of accounts and groups")
        PREVIEW = "preview", _("Preview")

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        HELD = "held", _("stopped: needs approval")
        FAILED = "failed", _("failed")

    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=7, choices=Kind)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    started_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    is_approved = models.BooleanField(
        default=False, help_text="An admin lets it disable more accounts than the limit."
    )
    total = models.PositiveIntegerField(default=0, help_text="Entries read.")
    processed = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    rows = models.JSONField(default=list, help_text="The first changes, and all problems.")
    problem = models.JSONField(default=dict, help_text="Why it failed or was stopped.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.directory} at {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_over(self) -> bool:
        return self.state not in (self.State.QUEUED, self.State.RUNNING)


class BindAttempt(models.Model):
    """A password that was passed on to a directory and not accepted, or not answered yet."""

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    entry_id = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            # serves counting the attempts on one account
            models.Index(fields=["directory", "entry_id", "at"], name="bind_attempt_entry_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} at {self.at:%Y-%m-%d %H:%M}"
