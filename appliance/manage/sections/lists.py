"""Lists that no room has for itself: with inactive rows, and found by typing."""

from django.db.models import Count, QuerySet

from appliance.accounts import queries as accounts
from appliance.accounts.models import Team, User
from appliance.calendars import queries as calendars
from appliance.calendars.models import Calendar
from appliance.shortcuts import queries as shortcuts
from appliance.shortcuts.models import CannedReply, Macro


def teams(viewer: User, text: str) -> QuerySet[Team]:
    rows = accounts.list_teams(only_active=False).annotate(member_count=Count("memberships"))
    return _found(rows, text, "name").order_by("name", "pk")


def list_calendars(viewer: User, text: str) -> QuerySet[Calendar]:
    return _found(calendars.list_calendars(), text, "name").order_by("name", "pk")


def canned(viewer: User, text: str) -> QuerySet[CannedReply]:
    return _found(shortcuts.list_canned_to_edit(viewer), text, "name").order_by("name", "pk")


def macros(viewer: User, text: str) -> QuerySet[Macro]:
    return _found(shortcuts.list_macros_to_edit(viewer), text, "name").order_by("name", "pk")


def _found(rows: QuerySet, text: str, column: str) -> QuerySet:
    for word in text.replace("\0", "").split()[:5]:
        rows = rows.filter(**{f"{column}__icontains": word})
    return rows
