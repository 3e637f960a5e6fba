"""Queries for the pages where admins edit categories, tags and custom fields."""

from typing import TypeVar

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from appliance.accounts.models import User
from appliance.tickets.models import CustomField, Tag, Ticket, TicketCategory

T = TypeVar("T", CustomField, Tag, TicketCategory)


def list_all_categories(viewer: User, text: str = "") -> QuerySet[TicketCategory]:
    """Return all categories in their order, inactive ones included; none unless for an admin."""
    return _filter_by_text(_all_for_admin(viewer, TicketCategory), text, "name")


def access_category(viewer: User, pk: int) -> TicketCategory:
    """Return a category for an admin. Raises Http404."""
    return _access(list_all_categories(viewer), pk)


def list_all_tags(viewer: User, text: str = "") -> QuerySet[Tag]:
    """Return all tags by name, each with ``ticket_count``, counted only for rows that are read."""
    through = Ticket.tags.through.objects.filter(tag=OuterRef("pk")).order_by()
    # mypy_django_plugin loses annotations on the table of a many-to-many field
    counts = through.values("tag").annotate(n=Count("pk")).values("n")  # type: ignore[misc]
    tags = _all_for_admin(viewer, Tag).order_by("name", "pk")
    return _filter_by_text(tags, text, "name").annotate(ticket_count=Coalesce(Subquery(counts), 0))


def access_tag(viewer: User, pk: int) -> Tag:
    """Return a tag for an admin. Raises Http404."""
    return _access(list_all_tags(viewer), pk)


def list_all_fields(viewer: User, text: str = "") -> QuerySet[CustomField]:
    """Return all custom fields in their order, each with its categories, for an admin."""
    fields = _all_for_admin(viewer, CustomField).prefetch_related("categories")
    return _filter_by_text(fields, text, "label")


def access_field(viewer: User, pk: int) -> CustomField:
    """Return a custom field for an admin. Raises Http404."""
    return _access(list_all_fields(viewer), pk)


def count_tickets_of(category: TicketCategory) -> int:
    """Return the number of open tickets of a category."""
    return Ticket.objects.open().filter(category=category).count()


def _all_for_admin(viewer: User, model: type[T]) -> QuerySet[T]:
    rows = model.objects.order_by(*model._meta.ordering or (), "pk")
    return rows if viewer.is_authenticated and viewer.is_admin else rows.none()


def _filter_by_text(rows: QuerySet[T], text: str, column: str) -> QuerySet[T]:
    for word in text.replace("\0", "").split()[:5]:
        rows = rows.filter(**{f"{column}__icontains": word})
    return rows


def _access(rows: QuerySet[T], pk: int) -> T:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row
