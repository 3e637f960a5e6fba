"""Queries for saved views and bulk changes, by who may see or edit them."""

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.http import Http404

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.tickets.models import BulkChange, SavedView
from appliance.tickets.queries import properties


def list_views(viewer: User) -> QuerySet[SavedView]:
    """Return the viewer's own views and those shared with all or with their teams.

    A view of others that filters by a closed team or a tag hidden from the viewer is left out: its
    name says what is in there.
    """
    if not viewer.is_agent or not viewer.is_active:
        return SavedView.objects.none()
    shared = Q(is_shared=True, team=None) | Q(
        is_shared=True, team__in=accounts_queries.team_ids_of(viewer)
    )
    views = SavedView.objects.filter(Q(owner=viewer) | (shared & _names_nothing_hidden(viewer)))
    return views.select_related("owner", "team")


def _names_nothing_hidden(viewer: User) -> Q:
    hidden = accounts_queries.hidden_team_ids(viewer)
    if not hidden:
        return Q()
    hidden_tags = properties.hidden_tags(viewer)
    of_view = hidden_tags.filter(name=KeyTextTransform("tag", OuterRef("filter")))
    of_hidden_team = Q(filter__team__in=[str(pk) for pk in hidden], filter__has_key="team")
    return Q(~Exists(of_view), ~of_hidden_team)


def access_view(viewer: User, view_id: int) -> SavedView:
    """Return a view the viewer may see. Raises Http404."""
    return _access(list_views(viewer), view_id)


def list_views_to_edit(viewer: User) -> QuerySet[SavedView]:
    """Return the viewer's own views, for admins those shared by others too."""
    views = SavedView.objects.select_related("owner", "team")
    if viewer.is_admin:
        return views.filter(Q(owner=viewer) | Q(is_shared=True))
    return views.filter(owner=viewer) if viewer.is_agent else views.none()


def access_view_to_edit(viewer: User, view_id: int) -> SavedView:
    """Return a view the viewer may edit. Raises Http404."""
    return _access(list_views_to_edit(viewer), view_id)


def can_share(viewer: User) -> bool:
    return has_right(viewer, Right.SHARE)


def can_change_in_bulk(viewer: User) -> bool:
    return has_right(viewer, Right.BULK)


def find_bulk_change(viewer: User, key: UUID | None) -> BulkChange | None:
    """Return the bulk change with this key if the viewer made it."""
    return BulkChange.objects.filter(pk=key, by=viewer).first() if key else None


def access_bulk_change(viewer: User, key: UUID) -> BulkChange:
    """Return a bulk change the viewer made. Raises Http404."""
    change = find_bulk_change(viewer, key) if viewer.is_agent else None
    if change is None:
        raise Http404
    return change


def _access(views: QuerySet[SavedView], view_id: int) -> SavedView:
    view = views.filter(pk=view_id).first()
    if view is None:
        raise Http404
    return view
