"""Writes to teams. Cached permissions and visibility follow at once."""

from collections.abc import Collection, Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import Membership, Right, Team, User
from appliance.accounts.permissions import require_admin
from appliance.accounts.services.access import publish_lost_access
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError


@transaction.atomic
def add_team(
    *,
    by: User | None,
    name: str,
    description: str = "",
    is_closed: bool = False,
    rights: Collection[str] = (),
    members: Iterable[User] = (),
) -> Team:
    """Create a team; ``by=None`` is the system.

    Raises BadInputError when the name is taken or a member is no agent.
    """
    if by is not None:
        require_admin(by)
    team = Team(
        name=name.strip(),
        description=description,
        is_closed=is_closed,
        rights=_validate_rights(rights),
    )
    try:
        with transaction.atomic():
            team.save(force_insert=True)
    except IntegrityError as error:
        raise _name_taken_error(name) from error
    audit.record_change(by=by, verb="added", subject=team)
    _set_members(team, members, by)
    cache.invalidate(cache.TEAMS)
    return team


@transaction.atomic
def change_team(
    *,
    team: Team,
    by: User,
    name: str,
    description: str,
    is_closed: bool,
    rights: Collection[str],
    members: Iterable[User],
) -> None:
    """Change all fields and members of a team; only what differs is written and recorded.

    Tickets whose assignee may no longer see them are unassigned.
    """
    require_admin(by)
    locked = _lock(team)
    update_fields(
        locked,
        by=by,
        duplicate_error=_name_taken_error(name),
        name=name.strip(),
        description=description,
        is_closed=is_closed,
        rights=_validate_rights(rights),
    )
    _set_members(locked, members, by)
    _invalidate_teams()
    publish_lost_access(by=by)
    team.refresh_from_db()


@transaction.atomic
def deactivate_team(*, team: Team, by: User) -> None:
    """End the rights of a team and assignment to it. A closed team stays closed."""
    require_admin(by)
    update_fields(_lock(team), by=by, is_active=False)
    _invalidate_teams()
    team.refresh_from_db()


@transaction.atomic
def reactivate_team(*, team: Team, by: User) -> None:
    """Restore the rights of a team and assignment to it."""
    require_admin(by)
    update_fields(_lock(team), by=by, is_active=True)
    _invalidate_teams()
    team.refresh_from_db()


def _set_members(team: Team, members: Iterable[User], by: User | None) -> None:
    new_members = {person.pk: person for person in members}
    if customers := [str(person) for person in new_members.values() if not person.is_agent]:
        raise BadInputError(
            _("Only agents can be team members, not %(names)s.") % {"names": ", ".join(customers)},
            field="members",
        )
    memberships = {
        membership.user_id: membership for membership in team.memberships.select_related("user")
    }
    removed = [membership for pk, membership in memberships.items() if pk not in new_members]
    added = [person for pk, person in new_members.items() if pk not in memberships]
    team.memberships.filter(pk__in=[membership.pk for membership in removed]).delete()
    Membership.objects.bulk_create(Membership(team=team, user=person) for person in added)
    if removed or added:
        data = {
            "added": [str(person) for person in added],
            "removed": [str(membership.user) for membership in removed],
        }
        audit.record_change(by=by, verb="changed", subject=team, data=data)


def _invalidate_teams() -> None:
    cache.invalidate(cache.TEAMS)
    cache.invalidate(cache.TICKETS)  # the visibility of tickets depends on teams


def _lock(team: Team) -> Team:
    return Team.objects.select_for_update().get(pk=team.pk)


def _validate_rights(rights: Collection[str]) -> list[str]:
    if unknown := set(rights) - set(Right.values):
        raise BadInputError(
            _("There is no permission called %(names)s.") % {"names": ", ".join(sorted(unknown))},
            field="rights",
        )
    return [right for right in Right.values if right in rights]


def _name_taken_error(name: str) -> BadInputError:
    return BadInputError(
        _("A team called %(name)s already exists. Choose another name.") % {"name": name.strip()},
        field="name",
    )
