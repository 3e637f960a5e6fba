"""People who log in, and customers who ask."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Now, Upper
from django.utils import timezone


class Role(models.TextChoices):
    CUSTOMER = "customer", "Customer"
    AGENT = "agent", "Agent"
    ADMIN = "admin", "Admin"


class UserManager(BaseUserManager):
    def get_by_natural_key(self, email: str) -> "User":
        """Whoever has this e-mail, whatever its case."""
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who can log in. The role says what they may do."""

    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.CUSTOMER)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["first_name"]
    objects = UserManager()

    class Meta:
        constraints = [
            # serves log-in: one account an address, whatever its case (iexact compares UPPER)
            models.UniqueConstraint(Upper("email"), name="user_email_unique"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_agent(self) -> bool:
        """Works on tickets: an agent or an admin."""
        return self.role in (Role.AGENT, Role.ADMIN)

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def is_staff(self) -> bool:
        """May open /admin/ (Django asks for this name)."""
        return self.is_admin


class Customer(models.Model):
    """Somebody who asks. May have a log-in, may be known by e-mail alone."""

    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80, blank=True)
    organisation = models.CharField(max_length=120, blank=True)
    is_premium = models.BooleanField("premium", default=False)
    user = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="customer"
    )
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        constraints = [
            # serves intake and registration: the customer of an address, whatever its case
            models.UniqueConstraint(Upper("email"), name="customer_email_unique"),
        ]
        indexes = [
            # serves /admin/: customers by name
            models.Index(fields=["last_name", "first_name"], name="customer_name_idx"),
            # serves the premium queue: the few premium customers among the many
            models.Index(
                fields=["id"], condition=models.Q(is_premium=True), name="customer_premium_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.full_name} <{self.email}>"

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class SetupLink(models.Model):
    """A single-use right to set the desk up. Only the hash of its token is kept."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"set-up link until {self.expires_at:%Y-%m-%d %H:%M}"
