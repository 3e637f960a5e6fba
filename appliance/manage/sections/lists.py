"""Lists that no room has for itself: with inactive rows, and found by typing."""

from django.db.models import Count, QuerySet

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.calendars import queries as calendars_queries
from appliance.calendars.models import Calendar
from appliance.macros import queries as macros_queries
from appliance.macros.models import CannedReply, Macro


def teams(viewer: User, text: str) -> QuerySet[Team]:
    rows = accounts_queries.list_teams(only_active=False).annotate(
        member_count=Count("memberships")
    )
    return _found(rows, text, "name").order_by("name", "pk")


def list_calendars(viewer: User, text: str) -> QuerySet[Calendar]:
    return _found(calendars_queries.list_calendars(), text, "name").order_by("name", "pk")


def canned(viewer: User, text: str) -> QuerySet[CannedReply]:
    return _found(macros_queries.list_canned_to_edit(viewer), text, "name").order_by("name", "pk")


def macros(viewer: User, text: str) -> QuerySet[Macro]:
    return _found(macros_queries.list_macros_to_edit(viewer), text, "name").order_by("name", "pk")


def _found(rows: QuerySet, text: str, column: str) -> QuerySet:
    for word in text.replace("\0", "").split()[:5]:
        rows = rows.filter(**{f"{column}__icontains": word})
    return rows
