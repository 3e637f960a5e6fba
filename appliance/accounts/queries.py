"""Reads on teams, and on what a team or the desk lets an agent do."""

from typing import TypeVar

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import (
    Customer,
    Invitation,
    Organisation,
    Right,
    Role,
    SetupLink,
    Team,
    User,
)
from appliance.accounts.security import hash_token
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


def hidden_team_ids(viewer: User) -> list[int]:
    """Ids of the closed teams whose tickets this agent does not see; from the cache if there."""
    if viewer.is_admin:
        return []
    return cache.get_or_compute(
        "hidden_team_ids",
        [viewer.pk],
        lambda: list(
            Team.objects.filter(is_closed=True)
            .exclude(memberships__user=viewer)
            .values_list("pk", flat=True)
        ),
        depends_on=[cache.TEAMS],
    )


def closed_team_ids() -> list[int]:
    """Ids of the teams whose tickets only their members see; from the cache if there."""
    return cache.get_or_compute(
        "closed_team_ids",
        [],
        lambda: list(Team.objects.filter(is_closed=True).values_list("pk", flat=True)),
        depends_on=[cache.TEAMS],
    )


def team_ids_of(viewer: User) -> list[int]:
    """Ids of the teams the person is in; from the cache if there."""
    return cache.get_or_compute(
        "team_ids_of",
        [viewer.pk],
        lambda: list(viewer.teams.values_list("pk", flat=True)),
        depends_on=[cache.TEAMS],
    )

