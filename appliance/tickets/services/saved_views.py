"""Verbs on saved views: a filter with a name, for oneself, for a team or for everybody."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from appliance.accounts.models import Team, User
from appliance.core import audit, cache
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.tickets import queries
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import SavedView

MAX_VIEWS = 100  # of one person
OWN, EVERYBODY = "own", "all"


@transaction.atomic
def save_view(
    *,
    by: User,
    name: str,
    filters: TicketFilter,
    columns: Iterable[str] = (),
    sort: str = "",
    audience: str = OWN,
    team: Team | None = None,
) -> SavedView:
    """``audience``: "own", "all", or "team" with the team. Sharing needs the right to."""
    _require_editable(by, name, audience, team)
    mine = SavedView.objects.filter(owner=by)
    if mine.count() >= MAX_VIEWS:
        raise BadInputError(
            _("You have reached the limit of %d views. Delete one you no longer use.") % MAX_VIEWS,
            field="name",
        )
    last = mine.aggregate(last=Max("position"))["last"] or 0
    view = SavedView(owner=by, position=last + 1)
    _save_view(view, name, filters, columns, sort, audience, team)
    _audit_view(by, "added", view)
    return view


@transaction.atomic
def change_view(
    *,
    view: SavedView,
    by: User,
    name: str,
    filters: TicketFilter,
    columns: Iterable[str] = (),
    sort: str = "",
    audience: str = OWN,
    team: Team | None = None,
) -> None:
    """All of it at once. Admins may change what others share."""
    locked = _lock_view(view, by)
    if (audience, team) != (audience_of(locked), locked.team):
        _require_editable(by, name, audience, team)
    _save_view(locked, name, filters, columns, sort, audience, team)
    _audit_view(by, "changed", locked)


@transaction.atomic
def remove_view(*, view: SavedView, by: User) -> None:
    locked = _lock_view(view, by)
    _audit_view(by, "removed", locked)
    locked.delete()


@transaction.atomic
def move_view(*, view: SavedView, by: User, up: bool) -> None:
    """One place up or down among the owner's views. At the end nothing happens."""
    _lock_view(view, by)
    row = list(SavedView.objects.select_for_update().filter(owner=view.owner_id))
    at = next(index for index, view_row in enumerate(row) if view_row.pk == view.pk)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(row):
        return
    row[at], row[to] = row[to], row[at]
    for position, view_row in enumerate(row, start=1):
        view_row.position = position
    SavedView.objects.bulk_update(row, ["position"])
    cache.invalidate(cache.VIEWS)


def audience_of(view: SavedView) -> str:
    if not view.is_shared:
        return OWN
    return "team" if view.team_id else EVERYBODY


def _lock_view(view: SavedView, by: User) -> SavedView:
    locked = SavedView.objects.select_for_update(of=["self"]).get(pk=view.pk)
    if locked.owner_id != by.pk and not (by.is_admin and locked.is_shared):
        raise ForbiddenError(_("Only %s or an administrator can change this view.") % locked.owner)
    return locked


def _require_editable(by: User, name: str, audience: str, team: Team | None) -> None:
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can save views."))
    if not name.strip():
        raise BadInputError(_("Enter a name for the view."), field="name")
    if audience == OWN:
        return
    if not queries.can_share(by):
        refusal = _(
            "You do not have permission to share views. Keep it private or ask an administrator."
        )
        raise BadInputError(refusal, field="audience")
    if audience == "team" and (team is None or not queries.can_see_team(by, team)):
        raise BadInputError(_("Choose a team you have access to."), field="audience")


def _save_view(
    view: SavedView,
    name: str,
    filters: TicketFilter,
    columns: Iterable[str],
    sort: str,
    audience: str,
    team: Team | None,
) -> None:
    view.name, view.filter = name.strip(), filters.as_query()
    view.columns, view.sort = list(columns), sort
    view.is_shared = audience != OWN
    view.team = team if audience == "team" else None
    view.save()
    cache.invalidate(cache.VIEWS)


def _audit_view(by: User, verb: str, view: SavedView) -> None:
    """What is one's own is no change of the desk."""
    if view.is_shared:
        audit.record_change(by=by, verb=verb, subject=view, data={"filter": view.filter})
