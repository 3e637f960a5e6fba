"""Reads on people."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from appliance.accounts.models import Customer, Right, Role, SetupLink, Team, User
from appliance.accounts.tokens import hash_token
from appliance.core import cache
from appliance.core import queries as core


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


def customers_seen_by(viewer: User) -> Q:
    """Of tickets: those of the customer who looks, and of their organisation if it shares them."""
    customer = Customer.objects.select_related("organisation").filter(user=viewer).first()
    if customer is None:
        return Q(pk__in=[])
    organisation = customer.organisation
    if organisation and organisation.shares_tickets:
        return Q(customer=customer) | Q(customer__organisation=organisation)
    return Q(customer=customer)


def hidden_teams(viewer: User) -> list[int]:
    """Ids of the closed teams whose tickets this agent does not see; from the cache if there."""
    if viewer.is_admin:
        return []
    return cache.remember(
        "hidden_teams",
        [viewer.pk],
        lambda: list(
            Team.objects.filter(is_closed=True)
            .exclude(memberships__user=viewer)
            .values_list("pk", flat=True)
        ),
        depends_on=[cache.TEAMS],
    )


def has_right(user: User, right: Right) -> bool:
    """Whether an admin, the desk (to all agents) or one of the person's teams grants it."""
    if not user.is_authenticated or not user.is_active or not user.is_agent:
        return False
    return user.is_admin or right in _rights(user)


def _rights(user: User) -> list[str]:
    return cache.remember(
        "rights",
        [user.pk],
        lambda: [
            *core.desk().agent_rights,
            *(
                right
                for team in Team.objects.filter(memberships__user=user, is_active=True)
                for right in team.rights
            ),
        ],
        depends_on=[cache.TEAMS, cache.DESK],
    )
