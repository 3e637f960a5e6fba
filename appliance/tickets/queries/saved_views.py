"""Saved views and changes of many tickets: who may see them, who may change them."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.tickets.models import BulkChange, SavedView

T = TypeVar("T")


def list_views(viewer: User) -> QuerySet[SavedView]:
    """The viewer's own, then those shared with all or with their teams. Customers have none."""
    if not viewer.is_agent or not viewer.is_active:
        return SavedView.objects.none()
    shared = Q(is_shared=True, team=None) | Q(
        is_shared=True, team__in=accounts_queries.team_ids_of(viewer)
    )
    return SavedView.objects.filter(Q(owner=viewer) | shared).select_related("owner", "team")


def access_view(viewer: User, view_id: int) -> SavedView:
    """Raises Http404 if it is not the viewer's to see."""
    return _access_or_404(list_views(viewer).filter(pk=view_id).first())


def list_views_to_edit(viewer: User) -> QuerySet[SavedView]:
    """The viewer's own; for admins those shared by others too."""
    views = SavedView.objects.select_related("owner", "team")
    if viewer.is_admin:
        return views.filter(Q(owner=viewer) | Q(is_shared=True))
    return views.filter(owner=viewer) if viewer.is_agent else views.none()


def access_view_to_edit(viewer: User, view_id: int) -> SavedView:
    return _access_or_404(list_views_to_edit(viewer).filter(pk=view_id).first())


def can_share(viewer: User) -> bool:
    return has_right(viewer, Right.SHARE)


def can_change_in_bulk(viewer: User) -> bool:
    return has_right(viewer, Right.BULK)


def find_bulk_change(viewer: User, key: UUID | None) -> BulkChange | None:
    """The viewer's own change of many tickets."""
    return BulkChange.objects.filter(pk=key, by=viewer).first() if key else None


def access_bulk_change(viewer: User, key: UUID) -> BulkChange:
    return _access_or_404(find_bulk_change(viewer, key) if viewer.is_agent else None)


def _access_or_404(row: T | None) -> T:
    if row is None:
        raise Http404
    return row
