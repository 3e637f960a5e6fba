"""Keyset pages of any list: the cursor is the number of the last row shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import F, Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils import timezone

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.core.models import AuditEntry
from appliance.core.types import read_number
from appliance.files.models import StoredFile

PAGE_SIZE = 50


@dataclass(frozen=True)
class Page:
    rows: Sequence[Model]
    next: str  # cursor of what comes after, empty on the last page
    is_first: bool

    @classmethod
    def of(cls, rows: QuerySet, after: str = "") -> "Page":
        """The page after a row; the first when that row is gone. ``rows`` are ordered by columns
        that run one way and end in the key, or by the model's own order.
        """
        if not rows.query.order_by:
            rows = rows.order_by(*rows.model._meta.ordering, "pk")
        last = _find(rows, after)
        items = list((_beyond(rows, last) if last else rows)[: PAGE_SIZE + 1])
        more = str(items[PAGE_SIZE - 1].pk) if len(items) > PAGE_SIZE else ""
        return cls(rows=items[:PAGE_SIZE], next=more, is_first=last is None)


def _find(rows: QuerySet, cursor: str) -> Model | None:
    number = read_number(cursor)
    return None if number is None else rows.filter(pk=number).first()


def _beyond(rows: QuerySet, last: Model) -> QuerySet:
    order = rows.query.order_by
    keys = [key.lstrip("-") for key in order]
    lookup = TupleLessThan if order[0].startswith("-") else TupleGreaterThan
    return rows.filter(lookup(Tuple(*map(F, keys)), [getattr(last, key) for key in keys]))


def list_changes(
    viewer: User, *, text: str = "", since: date | None = None, until: date | None = None
) -> QuerySet[AuditEntry]:
    """Newest first, for admins; both days included."""
    if not viewer.is_admin:
        return AuditEntry.objects.none()
    changes = AuditEntry.objects.order_by("-at", "-pk")
    for word in text.replace("\0", "").split()[:5]:
        changes = changes.filter(
            Q(actor_name__icontains=word) | Q(kind__icontains=word) | Q(subject__icontains=word)
        )
    if since:
        changes = changes.filter(at__gte=_midnight(since))
    if until:
        changes = changes.filter(at__lt=_midnight(until) + timedelta(days=1))
    return changes


def find_last_changer(row: Model) -> str:
    """Who wrote the newest line on a thing of this kind and name; empty when nobody did."""
    kind = str(row._meta.verbose_name)[:40]
    newest = AuditEntry.objects.filter(kind=kind, subject=str(row)[:200]).first()
    return newest.actor_name if newest else ""


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def find_logo() -> StoredFile | None:
    """The desk's own; for anybody."""
    return StoredFile.objects.filter(pk=core_queries.site_settings().logo_id).first()
