"""Reads on teams, and on what a team or the desk lets an agent do."""

from django.db.models import QuerySet
from django.http import Http404

from appliance.accounts.models import Right, Team, User
from appliance.core import cache
from appliance.core import queries as core_queries


def list_teams(*, only_active: bool = True) -> QuerySet[Team]:
    return Team.objects.filter(is_active=True) if only_active else Team.objects.all()


def access_team(viewer: User, team_id: int) -> Team:
    """For admins; Http404 to everybody else."""
    team = Team.objects.filter(pk=team_id).first() if viewer.is_admin else None
    if team is None:
        raise Http404
    return team


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


def closed_teams() -> list[int]:
    """Ids of the teams whose tickets only their members see; from the cache if there."""
    return cache.remember(
        "closed_teams",
        [],
        lambda: list(Team.objects.filter(is_closed=True).values_list("pk", flat=True)),
        depends_on=[cache.TEAMS],
    )


def teams_of(viewer: User) -> list[int]:
    """Ids of the teams the person is in; from the cache if there."""
    return cache.remember(
        "teams_of",
        [viewer.pk],
        lambda: list(viewer.teams.values_list("pk", flat=True)),
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
            *core_queries.desk().agent_rights,
            *(
                right
                for team in Team.objects.filter(memberships__user=user, is_active=True)
                for right in team.rights
            ),
        ],
        depends_on=[cache.TEAMS, cache.DESK],
    )
