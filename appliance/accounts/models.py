"""Users, customers, organisations, teams, sessions, and the links that let people in."""

import uuid

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import (
    AbstractBaseUser,
    AnonymousUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Concat, Lower, Now, Upper
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from appliance.accounts.browsers import describe_browser
from appliance.accounts.sessions import SessionStore
from appliance.core.encryption import EncryptedTextField


class Role(models.TextChoices):
    CUSTOMER = "customer", _("Customer")
    AGENT = "agent", _("Agent")
    ADMIN = "admin", _("Administrator")


class Right(models.TextChoices):
    """What an agent may do beyond answering tickets; granted to all agents or to a team."""

    ARTICLES = "articles", _("write and publish articles")
    SHARE = "share", _("share views, canned responses and macros")
    BULK = "bulk", _("bulk edit tickets")
    MERGE = "merge", _("merge and split tickets")
    CUSTOMERS = "customers", _("edit customers and organisations")
    REPORTS = "reports", _("view and export reports")


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this address, whatever its case."""
        return self.get(email__iexact=username)


class Organisation(models.Model):
    """Customers who belong together: a ward, a ship, a company."""

    name = models.CharField(max_length=120)
    note = models.TextField(max_length=2000, blank=True)
    shares_tickets = models.BooleanField(
        default=False, help_text=_("Customers of this organisation see each other's tickets.")
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Upper("name"), name="organisation_name_unique")]

    def __str__(self) -> str:
        return self.name


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who can log in; the role says what they may do."""

    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.CUSTOMER)
    is_active = models.BooleanField(default=True)
    is_away = models.BooleanField(
        default=False, db_default=False, help_text=_("Excluded from auto-assignment.")
    )
    language = models.CharField(
        max_length=10, blank=True, db_default="", help_text=_("Leave empty for the default.")
    )
    time_zone = models.CharField(
        max_length=60, blank=True, db_default="", help_text=_("Leave empty for the default.")
    )
    signature = models.TextField(max_length=1000, blank=True, db_default="")
    business_hours = models.ForeignKey(
        "sla.BusinessHours",  # by name: accounts does not import the rooms above it
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Business hours. Leave empty for the default calendar."),
    )
    email_confirmed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When a link sent to the address, an agent or an admin confirmed the log-in.",
    )
    unlinked_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When an admin unlinked it from its customer; only an admin links it again.",
    )
    session_epoch = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    is_from_directory = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="A directory decides who this is and checks the password.",
    )
    anonymised_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["first_name"]
    objects = UserManager()

    class Meta:
        constraints = [
            # serves log-in: one account an address, whatever its case (iexact compares UPPER)
            models.UniqueConstraint(Upper("email"), name="user_email_unique"),
            # "!" is Django's mark of a password that matches nothing
            models.CheckConstraint(
                condition=models.Q(is_from_directory=False) | models.Q(password__startswith="!"),  # noqa: S106
                name="user_of_directory_has_no_password_check",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session must match; it changes with password and ``session_epoch``."""
        stamp = f"{self.password}#{self.session_epoch}" if self.session_epoch else self.password
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        return salted_hmac(salt, stamp, secret=secret, algorithm="sha256").hexdigest()

    def has_usable_password(self) -> bool:
        """Return whether a password lets them in: one stored here, or that of a directory."""
        return self.is_from_directory or super().has_usable_password()

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_agent(self) -> bool:
        """Whether the user works on tickets: an agent or an admin."""
        return self.role in (Role.AGENT, Role.ADMIN)

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    # replaces the column of PermissionsMixin, which nothing writes
    @property
    def is_superuser(self) -> bool:  # type: ignore[override]
        """Django's admin reads this attribute."""
        return self.is_admin

    @property
    def is_staff(self) -> bool:
        """Whether the user may open /admin/; Django reads this attribute."""
        return self.is_admin


class Session(AbstractBaseSession):
    """One browser: of a user who has logged in, or of a visitor (``user`` is empty).

    Its key is a secret of that browser; pages name a session by ``public_id``.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    ip_address = models.CharField(max_length=64, blank=True)
    browser = models.CharField(max_length=300, blank=True, help_text="The User-Agent header.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    active_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"session of {self.user}"

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        return SessionStore

    @property
    def is_open(self) -> bool:
        """Whether it still lets its user in: a new password or role ends the earlier ones."""
        stamp = self.get_decoded().get(HASH_SESSION_KEY, "")
        return bool(self.user and stamp == self.user.get_session_auth_hash())

    @property
    def browser_name(self) -> str:
        """For example "Firefox, Windows"."""
        return describe_browser(self.browser)


class IdentityProvider(models.Model):
    """A server inside the site's network that signs users in by OpenID Connect."""

    name = models.CharField(max_length=80, help_text="On the button of the sign-in page.")
    issuer = models.CharField(max_length=300)
    client_id = models.CharField(max_length=200)
    client_secret = EncryptedTextField(blank=True)
    ca_certificate = models.TextField(
        blank=True, help_text="PEM. Empty: the certificates of the system."
    )
    email_claim = models.CharField(max_length=80, default="email")
    is_trusted_for_email = models.BooleanField(
        default=False, help_text="Counts as confirmed what the server does not call verified."
    )
    links_accounts = models.BooleanField(
        default=False, help_text="Somebody with the same address signs in to the existing account."
    )
    creates_customers = models.BooleanField(default=True)
    replaces_second_factor = models.BooleanField(
        default=False, help_text="Who signs in this way needs no second factor here."
    )
    groups_claim = models.CharField(max_length=80, blank=True)
    group_rules = models.JSONField(
        default=list, blank=True, help_text="Objects with group, role and team (an id or null)."
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "identity provider"

    def __str__(self) -> str:
        return self.name


class ExternalIdentity(models.Model):
    """An account at an identity provider, and whose it is here."""

    provider = models.ForeignKey(
        IdentityProvider, on_delete=models.CASCADE, related_name="identities", db_index=False
    )
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="external_identities")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            # serves log-in through the provider
            models.UniqueConstraint(fields=["provider", "subject"], name="external_identity_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.provider}"


# Who looks at a page that may be open to everybody.
Viewer = User | AnonymousUser

# The text customers are searched by, as the trigram index has it.
_SEARCHED_COLUMNS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "mobile",
    "staff_number",
    "room",
)
CUSTOMER_SEARCH_TEXT = Lower(
    Concat(
        *[part for column in _SEARCHED_COLUMNS for part in (column, models.Value(" "))],
        output_field=models.TextField(),
    )
)


class Customer(models.Model):
    """Somebody who opens tickets, with a user, or known by e-mail or by name alone.

    A ticket opened for an address belongs to the customer with that ``email``. The customer of a
    log-in that is not confirmed has none.
    """

    email = models.EmailField(max_length=254, blank=True)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80, blank=True)
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.SET_NULL, related_name="customers"
    )
    claimed_organisation = models.CharField(
        _("stated organisation"),
        max_length=120,
        blank=True,
        help_text=_("Entered at registration; to be verified by an agent."),
    )
    anonymised_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_premium = models.BooleanField(_("VIP"), default=False)
    phone = models.CharField(max_length=40, blank=True, db_default="")
    mobile = models.CharField(max_length=40, blank=True, db_default="")
    room = models.CharField(max_length=80, blank=True, db_default="")
    department = models.CharField(max_length=120, blank=True, db_default="")
    staff_number = models.CharField(max_length=40, blank=True, db_default="")
    manager = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    language = models.CharField(
        max_length=10, blank=True, db_default="", help_text=_("Of e-mails to this customer.")
    )
    fields = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Values of custom fields by key."
    )
    undeliverable_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="An e-mail to the address came back."
    )
    undeliverable_reason = models.CharField(max_length=300, blank=True, db_default="")
    user = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="customer"
    )
    is_from_directory = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="A directory decides about name, address and telephone.",
    )
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        constraints = [
            # serves new tickets: the customer of an address, whatever its case
            models.UniqueConstraint(
                Upper("email"), name="customer_email_unique", condition=~models.Q(email="")
            ),
        ]
        indexes = [
            # serves /admin/: customers by name
            models.Index(fields=["last_name", "first_name"], name="customer_name_idx"),
            # serves the premium queue: the few premium customers among the many
            models.Index(
                fields=["id"], condition=models.Q(is_premium=True), name="customer_premium_idx"
            ),
            # serves search for customers by a part of a name or address, with typos
            GinIndex(
                OpClass(CUSTOMER_SEARCH_TEXT, name="gin_trgm_ops"),
                name="customer_search_text_trgm_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.full_name} <{self.contact_email}>" if self.contact_email else self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def contact_email(self) -> str:
        """The address, or that of a log-in that is not confirmed; empty for a name alone."""
        return self.email or (self.user.email if self.user else "")

    @property
    def is_reached_by_email_alone(self) -> bool:
        """Whether the customer has no log-in and an address to write to."""
        return self.user_id is None and bool(self.email) and self.anonymised_at is None

    @property
    def has_unconfirmed_login(self) -> bool:
        return self.user is not None and self.user.email_confirmed_at is None


class Team(models.Model):
    """Agents who share tickets."""

    name = models.CharField(max_length=80)
    description = models.TextField(max_length=1000, blank=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")
    is_closed = models.BooleanField(
        default=False, help_text=_("Only members and administrators see this team's tickets.")
    )
    rights = models.JSONField(
        default=list, blank=True, help_text=_("Permissions granted to members.")
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Upper("name"), name="team_name_unique")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="membership_unique")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class SetupLink(models.Model):
    """A single-use link to the set-up page. Only the hash of its token is stored."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"set-up link until {self.expires_at:%Y-%m-%d %H:%M}"


class Invitation(models.Model):
    """A single-use link to set a password. Only the hash of its token is stored."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    customer = models.ForeignKey(
        Customer,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Whose log-in this becomes when the link is used.",
    )
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"link for {self.person} until {self.expires_at:%Y-%m-%d %H:%M}"


class EmailConfirmation(models.Model):
    """A single-use link to the address of a log-in. Only the hash of its token is stored."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField(max_length=254)
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"confirmation of {self.person} until {self.expires_at:%Y-%m-%d %H:%M}"


class RateCount(models.Model):
    """How often something was done since ``started_at``, by the person or address of ``key``."""

    scope = models.CharField(max_length=20)
    key = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    started_at = models.DateTimeField()

    class Meta:
        constraints = [
            # serves counting, in one statement
            models.UniqueConstraint(fields=["scope", "key"], name="rate_count_unique")
        ]
        indexes = [
            # serves deleting old counts
            models.Index(fields=["started_at"], name="rate_count_started_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.scope} by {self.key}"


class LoginAttempt(models.Model):
    """Somebody who signed in or tried to, kept for half a year for the admins."""

    name = models.CharField(max_length=254, help_text="As it was counted, not as it was typed.")
    ip_address = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=200, blank=True)
    is_successful = models.BooleanField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            # serves /admin/, newest first, and deleting old attempts
            models.Index(fields=["created_at"], name="login_attempt_created_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.name} from {self.ip_address}"
