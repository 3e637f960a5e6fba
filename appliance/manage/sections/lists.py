"""Lists that no room has for itself: with inactive rows, and found by typing."""

from django.db.models import Count, QuerySet

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.macros import queries as macros_queries
from appliance.macros.models import CannedResponse, Macro
from appliance.sla import queries as sla_queries
from appliance.sla.models import BusinessHours


def teams(viewer: User, text: str) -> QuerySet[Team]:
    rows = accounts_queries.list_teams(only_active=False).annotate(
        member_count=Count("memberships")
    )
    return _found(rows, text, "name").order_by("name", "pk")


def list_business_hours(viewer: User, text: str) -> QuerySet[BusinessHours]:
    return _found(sla_queries.list_business_hours(), text, "name").order_by("name", "pk")


def canned_responses(viewer: User, text: str) -> QuerySet[CannedResponse]:
    return _found(macros_queries.list_editable_canned_responses(viewer), text, "name").order_by(
        "name", "pk"
    )


def macros(viewer: User, text: str) -> QuerySet[Macro]:
    return _found(macros_queries.list_editable_macros(viewer), text, "name").order_by("name", "pk")


def _found(rows: QuerySet, text: str, column: str) -> QuerySet:
    for word in text.replace("\0", "").split()[:5]:
        rows = rows.filter(**{f"{column}__icontains": word})
    return rows
