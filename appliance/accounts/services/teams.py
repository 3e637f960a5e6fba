"""Verbs on teams. What a team may see and do follows at once, through the cache."""

from collections.abc import Collection, Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import Membership, Right, Team, User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError


@transaction.atomic
def add_team(
    *,
    by: User,
    name: str,
    description: str = "",
    is_closed: bool = False,
    rights: Collection[str] = (),
    members: Iterable[User] = (),
) -> Team:
    """Raises BadInputError when there is one of that name, or a member is no agent."""
    require_admin(by)
    team = Team(
        name=name.strip(), description=description, is_closed=is_closed, rights=_checked(rights)
    )
    try:
        with transaction.atomic():
            team.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(name) from error
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
    """Everything a team is, at once; only what differs is written and recorded."""
    require_admin(by)
    locked = _lock(team)
    update_fields(
        locked,
        by=by,
        duplicate_error=_taken(name),
        name=name.strip(),
        description=description,
        is_closed=is_closed,
        rights=_checked(rights),
    )
    _set_members(locked, members, by)
    _tell()
    team.refresh_from_db()


@transaction.atomic
def deactivate_team(*, team: Team, by: User) -> None:
    """No ticket can be given to it any more, and its rights end. A closed team stays closed."""
    require_admin(by)
    update_fields(_lock(team), by=by, is_active=False)
    _tell()
    team.refresh_from_db()


@transaction.atomic
def reactivate_team(*, team: Team, by: User) -> None:
    require_admin(by)
    update_fields(_lock(team), by=by, is_active=True)
    _tell()
    team.refresh_from_db()


def _set_members(team: Team, members: Iterable[User], by: User) -> None:
    wanted = {person.pk: person for person in members}
    if strangers := [str(one) for one in wanted.values() if not one.is_agent]:
        raise BadInputError(
            _("Only agents can be team members, not %(names)s.") % {"names": ", ".join(strangers)},
            field="members",
        )
    there = {one.user_id: one for one in team.memberships.select_related("user")}
    gone = [one for pk, one in there.items() if pk not in wanted]
    come = [person for pk, person in wanted.items() if pk not in there]
    team.memberships.filter(pk__in=[one.pk for one in gone]).delete()
    Membership.objects.bulk_create(Membership(team=team, user=one) for one in come)
    if gone or come:
        data = {"came": [str(one) for one in come], "went": [str(one.user) for one in gone]}
        audit.record_change(by=by, verb="changed", subject=team, data=data)


def _tell() -> None:
    cache.invalidate(cache.TEAMS)
    cache.invalidate(cache.TICKETS)  # who sees which ticket may be another now


def _lock(team: Team) -> Team:
    return Team.objects.select_for_update().get(pk=team.pk)


def _checked(rights: Collection[str]) -> list[str]:
    if unknown := set(rights) - set(Right.values):
        raise BadInputError(
            _("There is no permission called %(names)s.") % {"names": ", ".join(sorted(unknown))},
            field="rights",
        )
    return [right for right in Right.values if right in rights]


def _taken(name: str) -> BadInputError:
    return BadInputError(
        _("A team called %(name)s already exists. Choose another name.") % {"name": name.strip()}, field="name"
    )
