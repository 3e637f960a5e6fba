"""Who may do what: an admin everything, an agent what the site or one of their teams grants."""

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, Team, User
from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.core.errors import ForbiddenError


def has_right(user: User | AnonymousUser, right: Right) -> bool:
    """Return whether the user is an active admin, or an active agent who has the right."""
    if not user.is_authenticated or not user.is_active or not user.is_agent:
        return False
    return user.is_admin or right in _rights_of(user)


def require_admin(user: User) -> None:
    """Raise ForbiddenError unless the user is an active admin."""
    if not (user.is_active and user.is_admin):
        raise ForbiddenError(_("Only administrators can do this."))


def require_customer_editor(user: User) -> None:
    """Raise ForbiddenError unless the user may edit customers and organisations."""
    if not has_right(user, Right.CUSTOMERS):
        raise ForbiddenError(
            _(
                "You do not have permission to edit customers and organisations. Ask an "
                "administrator."
            )
        )


def _rights_of(user: User) -> list[str]:
    """Return the rights of the site and of the user's active teams, cached."""
    return cache.get_or_compute(
        "rights",
        [user.pk],
        lambda: [
            *core_queries.site_settings().agent_rights,
            *(
                right
                for team in Team.objects.filter(memberships__user=user, is_active=True)
                for right in team.rights
            ),
        ],
        depends_on=[cache.TEAMS, cache.SITE_SETTINGS],
    )
