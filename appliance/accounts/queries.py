"""Reads on people."""

from django.db.models import QuerySet
from django.utils import timezone

from appliance.accounts.models import Customer, Role, SetupLink, User
from appliance.accounts.tokens import hash_token


def find_customer(*, email: str) -> Customer | None:
    return Customer.objects.filter(email__iexact=email.strip()).first()


def find_user(*, email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def has_admin() -> bool:
    return User.objects.filter(role=Role.ADMIN, is_active=True).exists()


def is_setup_token(token: str) -> bool:
    return SetupLink.objects.filter(
        token_sha256=hash_token(token), expires_at__gt=timezone.now()
    ).exists()


def list_agents() -> QuerySet[User]:
    """Whoever a ticket can be given to, by name."""
    return User.objects.filter(role__in=[Role.AGENT, Role.ADMIN], is_active=True).order_by(
        "first_name", "last_name"
    )
