"""Reads that only the settings pages need: orderings of lists, the audit log, the logo."""

from datetime import date, timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.core.dates import start_of_day
from appliance.core.models import AuditEntry
from appliance.core.pagination import PkCursorOrdering
from appliance.files.models import StoredFile

MAX_FILTER_WORDS = 5


def ordering_of(queryset: QuerySet[Any]) -> PkCursorOrdering:
    """Return the ordering of a list, by the columns of its ``order_by`` or of its model.

    The columns run one way; those of ``order_by`` end in the primary key.
    """
    names = [str(name) for name in queryset.query.order_by]
    if not names:
        names = [*map(str, queryset.model._meta.ordering), "pk"]
    return PkCursorOrdering(
        keys=tuple(name.removeprefix("-") for name in names), is_descending=names[0].startswith("-")
    )


def list_audit_log(
    viewer: User, *, text: str = "", since: date | None = None, until: date | None = None
) -> QuerySet[AuditEntry]:
    """Return the changes from ``since`` to ``until``, both included, newest first, for admins."""
    if not viewer.is_admin:
        return AuditEntry.objects.none()
    entries = AuditEntry.objects.order_by("-at", "-pk")
    for word in text.replace("\0", "").split()[:MAX_FILTER_WORDS]:
        entries = entries.filter(
            Q(actor_name__icontains=word) | Q(kind__icontains=word) | Q(subject__icontains=word)
        )
    if since:
        entries = entries.filter(at__gte=start_of_day(since))
    if until:
        entries = entries.filter(at__lt=start_of_day(until) + timedelta(days=1))
    return entries


def find_last_actor(subject: Model) -> str:
    """Return who changed an object of this kind and name last; empty when nobody did."""
    kind = str(subject._meta.verbose_name)[:40]
    newest = AuditEntry.objects.filter(kind=kind, subject=str(subject)[:200]).first()
    return newest.actor_name if newest else ""


def find_logo() -> StoredFile | None:
    """Return the logo of the site; anybody may see it."""
    logo_id = core_queries.site_settings().logo_id
    return StoredFile.objects.filter(pk=logo_id).first() if logo_id else None
