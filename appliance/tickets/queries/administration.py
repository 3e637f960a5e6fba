"""What admins set up on tickets: categories, tags and custom fields, inactive ones too."""

from typing import TypeVar

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from appliance.accounts.models import User
from appliance.tickets.models import CustomField, Tag, Ticket, TicketCategory

T = TypeVar("T", CustomField, Tag, TicketCategory)


def list_all_categories(viewer: User, text: str = "") -> QuerySet[TicketCategory]:
    """In their order, for admins; to anybody else none."""
    return _filter_by_name(_require_admin(viewer, TicketCategory), text, "name")


def access_category(viewer: User, pk: int) -> TicketCategory:
    return _or_404(list_all_categories(viewer).filter(pk=pk).first())


def list_all_tags(viewer: User, text: str = "") -> QuerySet[Tag]:
    """By name, each with ``ticket_count``, which is counted only for the rows that are read."""
    through = Ticket.tags.through.objects.filter(tag=OuterRef("pk")).order_by()
    counted = through.values("tag").annotate(n=Count("pk")).values("n")
    tags = _require_admin(viewer, Tag).order_by("name", "pk")
    return _filter_by_name(tags, text, "name").annotate(ticket_count=Coalesce(Subquery(counted), 0))


def access_tag(viewer: User, pk: int) -> Tag:
    return _or_404(list_all_tags(viewer).filter(pk=pk).first())


def list_all_fields(viewer: User, text: str = "") -> QuerySet[CustomField]:
    """In their order, each with its categories; for admins."""
    fields = _require_admin(viewer, CustomField).prefetch_related("categories")
    return _filter_by_name(fields, text, "label")


def access_field(viewer: User, pk: int) -> CustomField:
    return _or_404(list_all_fields(viewer).filter(pk=pk).first())


def count_tickets_of(category: TicketCategory) -> int:
    """Open tickets in it."""
    return Ticket.objects.open().filter(category=category).count()


def _require_admin(viewer: User, model: type[T]) -> QuerySet[T]:
    rows = model.objects.order_by(*model._meta.ordering, "pk")
    return rows if viewer.is_authenticated and viewer.is_admin else rows.none()


def _filter_by_name(rows: QuerySet[T], text: str, column: str) -> QuerySet[T]:
    for word in text.replace("\0", "").split()[:5]:
        rows = rows.filter(**{f"{column}__icontains": word})
    return rows


def _or_404(row: T | None) -> T:
    if row is None:
        raise Http404
    return row
