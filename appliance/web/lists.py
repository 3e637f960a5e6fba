"""The list of an agent: what its address asks for, and everything its page shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.types import read_number
from appliance.sla import queries as sla_queries
from appliance.tickets import queries as tickets_queries
from appliance.tickets.filters import TicketFilter
from appliance.tickets.forms import FilterForm
from appliance.tickets.models import SavedView
from appliance.tickets.sorts import NEWEST, Sort, find_sort
from appliance.web import ticket_rows
from appliance.web.inbox_views import list_main, list_sections, shown_count

PAGE_SIZE = 50


@dataclass(frozen=True)
class Page:
    rows: Sequence
    next: str  # cursor of what comes after, empty on the last page
    previous: str  # cursor of what came before, empty on the first

    @property
    def is_first(self) -> bool:
        return not self.previous

    @classmethod
    def of(
        cls, rows: QuerySet, sort: Sort = NEWEST, *, after: str = "", before: str = ""
    ) -> "Page":
        """The page after one cursor or before the other; ``rows`` stand in the order of ``sort``.

        A cursor that makes no sense, and one with nothing left beyond it, gives the first page.
        """
        if page := cls._before(rows, sort, before):
            return page
        place = sort.parse(after)
        if place:
            result = first_of(sort.beyond(rows, place), PAGE_SIZE + 1, among=rows)
        else:
            result = list(rows[: PAGE_SIZE + 1])
        if place and not result:
            return cls.of(rows, sort)
        shown = result[:PAGE_SIZE]
        return cls(
            rows=shown,
            next=sort.cursor_of(shown[-1]) if len(result) > PAGE_SIZE else "",
            previous=sort.cursor_of(shown[0]) if place else "",
        )

    @classmethod
    def _before(cls, rows: QuerySet, sort: Sort, before: str) -> "Page | None":
        """None when that would be less than a page: then the first is whole and as good."""
        place = sort.parse(before)
        if place is None:
            return None
        turned = sort.turned()
        result = first_of(turned.beyond(turned.apply(rows), place), PAGE_SIZE + 1, among=rows)
        if len(result) <= PAGE_SIZE:
            return None
        shown = result[:PAGE_SIZE][::-1]
        return cls(shown, next=sort.cursor_of(shown[-1]), previous=sort.cursor_of(shown[0]))


MAX_VIEWS_COUNTED = 20  # further ones stand without a number


@dataclass(frozen=True)
class Listed:
    """What somebody wants to see: a saved view, or what the address narrows to."""

    form: FilterForm
    filters: TicketFilter
    sort: Sort
    columns: list[ticket_rows.Column]
    view: SavedView | None = None

    @property
    def complaints(self) -> list[str]:
        """What could not be narrowed to, and why."""
        return [
            f"{self.form.fields[name].label}: {' '.join(errors)}"
            for name, errors in self.form.errors.items()
        ]

    @property
    def is_broken(self) -> bool:
        """A view that asks for what is no longer there shows nothing rather than too much."""
        return self.view is not None and bool(self.form.errors)

    @property
    def chips(self) -> list["Chip"]:
        """What it is narrowed to, in words, each with the way out of it."""
        stored = self.filters.as_query()
        return [
            Chip(label, "?" + urlencode({key: stored[key] for key in stored if key != name}))
            for name, label in self.form.chosen().items()
        ]

    @property
    def title(self) -> str:
        return str(self.view) if self.view else ""


@dataclass(frozen=True)
class Chip:
    label: str
    query: str


@dataclass(frozen=True)
class ViewLink:
    view: SavedView
    shown: str
    is_chosen: bool


def state() -> str:
    """What a page shows depends on this alone; empty while the cache is dead. No query."""
    subjects = (cache.TICKETS, cache.VIEWS, cache.CATEGORIES, cache.TEAMS)
    generations = cache.generations(subjects)
    return "" if None in generations else "-".join(map(str, generations))


def read(viewer: User, address: QueryDict) -> Listed:
    """Raises Http404 for a view that is not the viewer's. Senseless words narrow nothing."""
    view = _view(viewer, address.get("view", ""))
    form = FilterForm(view.filter if view else address, viewer=viewer)
    filters = form.filters()
    sort = find_sort(address.get("sort") or (view.sort if view else ""), filters)
    shown = ticket_rows.find_columns(view.columns if view else [], sort)
    return Listed(form, filters, sort, shown, view)


def _view(viewer: User, number: str) -> SavedView | None:
    view_id = read_number(number, digits=9)
    return None if view_id is None else tickets_queries.access_view(viewer, view_id)


def page_of(viewer: User, listed: Listed, address: QueryDict) -> Page:
    if listed.is_broken:
        return Page([], "", "")
    beside = [column.name for column in listed.columns]
    rows = tickets_queries.list_tickets(viewer, listed.filters, listed.sort, beside=beside)
    cursors = {name: address.get(name, "") for name in ("after", "before")}
    return Page.of(sla_queries.with_timers(rows), listed.sort, **cursors)


def ids_of(viewer: User, listed: Listed, most: int) -> list[int]:
    """The first tickets of the whole list, for a change of all of them."""
    if listed.is_broken:
        return []
    return tickets_queries.list_ticket_ids(viewer, listed.filters, listed.sort, most)


def context(viewer: User, address: QueryDict) -> dict:
    """All that the list and its queues show; the rows are read after the state they belong to."""
    seen = state()
    listed = read(viewer, address)
    page = page_of(viewer, listed, address)
    counts = tickets_queries.count_open(viewer)
    return {
        "state": seen,
        "address": address,
        "listed": listed,
        "page": page,
        "headings": ticket_rows.headings(listed.columns, listed.sort),
        "total": counts["total"],
        "size": _size(viewer, listed, page, counts),
        "can_change_in_bulk": tickets_queries.can_change_in_bulk(viewer),
        **_queues(viewer, listed, counts),
    }


def _size(viewer: User, listed: Listed, page: Page, counts: dict) -> int:
    """How many the list holds. One page is counted by looking at it, all that is open was."""
    if page.is_first and not page.next:
        return len(page.rows)
    if not listed.filters.is_filtered:
        return min(counts["total"], tickets_queries.MAX_COUNTED + 1)
    return tickets_queries.count_tickets(viewer, listed.filters) or 0


def _queues(viewer: User, listed: Listed, counts: dict) -> dict:
    in_teams, in_view = bool(accounts_queries.team_ids_of(viewer)), listed.view is not None
    offered = listed.form.offered
    return {
        "main_queues": list_main(counts, listed.filters, in_teams=in_teams, in_view=in_view),
        "sections": list_sections(counts, listed.filters, offered.slugs, offered.teams),
        "views": list_view_links(viewer, listed.view),
    }


def list_view_links(viewer: User, chosen: SavedView | None = None) -> list[ViewLink]:
    """Own views, then shared ones; so many are counted, from the cache where it knows."""
    rows = tickets_queries.list_views(viewer).select_related(None)
    views = sorted(rows, key=lambda view: view.owner_id != viewer.pk)
    return [
        ViewLink(view, shown_count(count), view == chosen)
        for place, view in enumerate(views)
        for count in [_count(viewer, view) if place < MAX_VIEWS_COUNTED else None]
    ]


def _count(viewer: User, view: SavedView) -> int | None:
    return tickets_queries.count_tickets(viewer, TicketFilter.of(view.filter))


def first_of(rows: QuerySet, limit: int, *, among: QuerySet) -> list:
    """The first rows, in order: their numbers out of one table, then what is shown of them.

    ``among`` is the list without the place. PostgreSQL guesses how many rows lie beyond a place by
    its first key alone: beyond the lowest priority none, so it would join and sort all there are.
    """
    numbers = list(rows.values_list("pk", flat=True)[:limit])
    shown = among.order_by().in_bulk(numbers)
    return [shown[number] for number in numbers if number in shown]
