"""Lists that no room has for itself: with inactive rows, and found by typing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Model, QuerySet
from django.utils.functional import Promise

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.core.forms import Form
from appliance.macros import queries as macros_queries
from appliance.macros.models import CannedResponse, Macro
from appliance.sla import queries as sla_queries
from appliance.sla.models import BusinessHours


def teams(viewer: User, text: str) -> QuerySet[Team]:
    rows = accounts_queries.list_teams(only_active=False).annotate(
        member_count=Count("memberships")
    )
    return _matches(rows, text, "name").order_by("name", "pk")


def list_business_hours(viewer: User, text: str) -> QuerySet[BusinessHours]:
    return _matches(sla_queries.list_business_hours(), text, "name").order_by("name", "pk")


def canned_responses(viewer: User, text: str) -> QuerySet[CannedResponse]:
    return _matches(macros_queries.list_editable_canned_responses(viewer), text, "name").order_by(
        "name", "pk"
    )


def macros(viewer: User, text: str) -> QuerySet[Macro]:
    return _matches(macros_queries.list_editable_macros(viewer), text, "name").order_by(
        "name", "pk"
    )


def _matches(rows: QuerySet, text: str, column: str) -> QuerySet:
    for word in text.replace("\0", "").split()[:5]:
        rows = rows.filter(**{f"{column}__icontains": word})
    return rows


Words = str | Promise
MakeForm = Callable[[Mapping | None, User, Model | None], Form]


def admins(person: User) -> bool:
    return person.is_admin


@dataclass(frozen=True)
class Column:
    title: Words
    cell: Callable[[Any], object]  # row → what stands there; True and False are shown as words
    quiet: bool = False


@dataclass(frozen=True)
class Section:
    slug: str
    object_slug: str
    title: Words
    icon: str
    about: Words  # what the thing is for: on the overview, and where a list is empty
    rows: Callable[[User, str], QuerySet]  # (viewer, words typed into the search) → what is listed
    access: Callable[[User, int], Model]  # raises Http404
    columns: tuple[Column, ...]
    form: MakeForm  # has ``values()``, the arguments of ``add`` and ``change``
    add: Callable[..., Model] | None
    change: Callable[..., object]
    add_words: Words
    remove: Callable[..., object] | None = None
    remove_words: Words = ""
    affects: Callable[[Any], list[str]] = field(default=lambda row: [])  # removing says it first
    restore: Callable[..., object] | None = None
    move: Callable[..., object] | None = None
    admits: Callable[[User], bool] = admins
    is_searched: bool = True
    help: Words = ""  # above the form
    more: str = ""  # template below the form
    more_of: Callable[[Any, Any], dict] = field(default=lambda request, row: {})  # its context

    @property
    def offers(self) -> set[str]:
        """Which verbs the pages show; a template would call the verbs themselves."""
        return {verb for verb in ("add", "remove", "restore", "move") if getattr(self, verb)}

    def cells(self, row: Model) -> list[tuple[Column, object]]:
        return [(column, column.cell(row)) for column in self.columns]

    def named(self, row: Model) -> dict[str, Model]:
        """The row under the name the verbs know it by."""
        return {self.object_slug.replace("-", "_"): row}
