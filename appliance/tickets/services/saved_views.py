"""Services for saved views."""

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
    """Add a view at the end. ``audience`` is "own", "all", or "team" with a team.

    Any but "own" needs the right to share.
    """
    _require_valid(by, name, audience, team)
    own = SavedView.objects.filter(owner=by)
    if own.count() >= MAX_VIEWS:
        raise BadInputError(
            _("You have reached the limit of %d views. Delete one you no longer use.") % MAX_VIEWS,
            field="name",
        )
    last = own.aggregate(last=Max("position"))["last"] or 0
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
    """Replace all of a view. Admins may change views that others share."""
    locked = _lock_view(view, by)
    if (audience, team) != (audience_of(locked), locked.team):
        _require_valid(by, name, audience, team)
    _save_view(locked, name, filters, columns, sort, audience, team)
    _audit_view(by, "changed", locked)


@transaction.atomic
def remove_view(*, view: SavedView, by: User) -> None:
    locked = _lock_view(view, by)
    _audit_view(by, "removed", locked)
    locked.delete()


@transaction.atomic
def move_view(*, view: SavedView, by: User, up: bool) -> None:
    """Move a view one position up or down among the owner's, unless it is first or last."""
    _lock_view(view, by)
    views = list(SavedView.objects.select_for_update().filter(owner=view.owner_id))
    index = views.index(view)
    neighbour = index - 1 if up else index + 1
    if not 0 <= neighbour < len(views):
        return
    views[index], views[neighbour] = views[neighbour], views[index]
    for position, moved in enumerate(views, start=1):
        moved.position = position
    SavedView.objects.bulk_update(views, ["position"])
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


def _require_valid(by: User, name: str, audience: str, team: Team | None) -> None:
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
    """Record a change of a shared view; private ones are not audited."""
    if view.is_shared:
        audit.record_change(by=by, verb=verb, subject=view, data={"filter": view.filter})
