"""The ticket list of an agent: what its query string asks for, and everything its page shows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils.safestring import SafeString

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.accounts.permissions import can_see_reports
from appliance.core import cache
from appliance.core.pagination import Page, paginate
from appliance.core.types import read_number
from appliance.sla import queries as sla_queries
from appliance.tickets import queries as tickets_queries
from appliance.tickets.filters import TicketFilter
from appliance.tickets.forms import FilterForm
from appliance.tickets.models import BulkChange, SavedView, Tag, Ticket
from appliance.tickets.services.bulk import MAX_TICKETS, undo_seconds
from appliance.tickets.sorts import SORTS, Sort, find_sort
from appliance.triage.category_suggestions import with_category_scores
from appliance.triage.incidents import Proposal, list_proposals
from appliance.web import ticket_rows
from appliance.web.forms import MAX_ADDRESS, BulkForm
from appliance.web.queues import (
    Counts,
    Queue,
    Section,
    find_main_queue_label,
    format_count,
    list_main_queues,
    list_sections,
)

MAX_VIEWS_COUNTED = 20  # further views stand without a number
MAX_TAGS_OFFERED = 200


@dataclass(frozen=True)
class ActiveFilter:
    """A filter that is set, in words, with the query string that removes it."""

    label: str
    query: str


@dataclass(frozen=True)
class ListQuery:
    """What somebody wants to see: a saved view, or the filters of a query string."""

    form: FilterForm
    filters: TicketFilter
    sort: Sort
    columns: list[ticket_rows.Column]
    view: SavedView | None = None

    @property
    def errors(self) -> list[str]:
        """Which filters were not understood, and why."""
        return [
            f"{self.form.fields[name].label}: {' '.join(map(str, errors))}"
            for name, errors in self.form.errors.items()
        ]

    @property
    def is_broken(self) -> bool:
        """Whether a view filters by what was deleted: it shows nothing rather than too much."""
        return self.view is not None and bool(self.form.errors)

    @property
    def active_filters(self) -> list[ActiveFilter]:
        filters = self.filters.as_query()
        return [
            ActiveFilter(
                label, "?" + urlencode({key: filters[key] for key in filters if key != name})
            )
            for name, label in self.form.labels().items()
        ]

    @property
    def title(self) -> str:
        """The name of the view or of the queue, else the filters in words."""
        if self.view:
            return str(self.view)
        queue_label = find_main_queue_label(self.filters.as_query())
        return queue_label or ", ".join(self.form.labels().values())


@dataclass(frozen=True)
class ViewLink:
    """A saved view beside the list."""

    view: SavedView
    count_label: str
    is_active: bool


@dataclass(frozen=True)
class TicketList:
    """The list and the queues beside it, which the page refreshes together."""

    state: str
    address: QueryDict
    query: ListQuery
    page: Page[Ticket]
    headings: list[ticket_rows.Heading]
    total: int  # open tickets of the viewer
    size: int  # tickets of the list, one more than MAX_COUNTED at most
    can_change_in_bulk: bool
    can_export: bool
    main_queues: list[Queue]
    sections: list[Section]
    views: list[ViewLink]
    proposals: list[Proposal]  # of incidents


@dataclass(frozen=True)
class BulkResult:
    """How a change of many tickets went, or how far it is."""

    change: BulkChange

    @property
    def is_undoing(self) -> bool:
        return self.change.undone_at is not None and self.change.undo_finished_at is None

    @property
    def is_running(self) -> bool:
        return self.change.finished_at is None or self.is_undoing

    @property
    def changed(self) -> int:
        """The number of tickets that were changed."""
        return len({ticket_id for ticket_id, *_ in self.change.before})

    @property
    def unchanged(self) -> int:
        return self.change.total - self.changed - len(self.change.skipped)

    @property
    def undone(self) -> int:
        return self.changed - len(self.change.undo_skipped)

    @property
    def steps(self) -> int:
        return self.changed if self.is_undoing else self.change.total

    @property
    def steps_done(self) -> int:
        pending = self.change.undo_pending if self.is_undoing else self.change.pending
        return self.steps - len(pending)

    @property
    def skipped(self) -> list[tuple[int, str]]:
        """The tickets that were left as they were, each with the reason."""
        return self.change.undo_skipped if self.change.undone_at else self.change.skipped

    @property
    def undo_seconds(self) -> int:
        """How long it can be undone."""
        return undo_seconds(self.change)

    @property
    def has_replies_left(self) -> bool:
        """Whether it was undone but may have sent replies, which stay."""
        return self.change.undone_at is not None and "macro" in self.change.changes


@dataclass(frozen=True)
class DashboardPage:
    """The context of the whole page; ``selected`` are the ids of ticked tickets."""

    ticket_list: TicketList
    result: BulkResult | None
    bulk_form: BulkForm | None
    selected: Collection[int]
    tag_names: Iterable[Tag]
    sorts: Iterable[Sort]
    max_tickets: int = MAX_TICKETS


def build_dashboard(
    viewer: User, address: QueryDict, refused_form: BulkForm | None = None
) -> DashboardPage:
    """Read everything the page shows. With ``refused_form`` its ticks and input are kept."""
    ticket_list = build_ticket_list(viewer, address)
    change = _find_change(viewer, address)
    return DashboardPage(
        ticket_list=ticket_list,
        result=BulkResult(change) if change else None,
        bulk_form=refused_form or _bulk_form(viewer, ticket_list),
        selected=refused_form.selected() if refused_form else set(),
        tag_names=tickets_queries.list_tags(viewer, limit=MAX_TAGS_OFFERED),
        sorts=SORTS.values(),
    )


def build_ticket_list(viewer: User, address: QueryDict) -> TicketList:
    """Read the list and its queues; the tickets are read after the state they belong to."""
    state = current_state()
    query = parse_query(viewer, address)
    page = _load_page(viewer, query, address)
    counts: Counts = tickets_queries.count_open(viewer)
    choices = query.form.choices
    return TicketList(
        state=state,
        address=address,
        query=query,
        page=page,
        headings=ticket_rows.list_headings(query.columns, query.sort),
        total=counts["total"],
        size=_count(viewer, query, page, counts),
        can_change_in_bulk=tickets_queries.can_change_in_bulk(viewer),
        can_export=can_see_reports(viewer),
        main_queues=list_main_queues(
            counts,
            query.filters,
            in_teams=bool(accounts_queries.team_ids_of(viewer)),
            in_view=query.view is not None,
        ),
        sections=list_sections(counts, query.filters, choices.category_slugs, choices.teams),
        views=list_view_links(viewer, query.view),
        proposals=list_proposals(viewer),
    )


def current_state() -> str:
    """Return the state of the data a list depends on; empty while the cache is dead. No query."""
    subjects = (cache.TICKETS, cache.VIEWS, cache.CATEGORIES, cache.TEAMS, cache.INCIDENTS)
    generations = cache.generations(subjects)
    return "" if None in generations else "-".join(map(str, generations))


def parse_query(viewer: User, address: QueryDict) -> ListQuery:
    """Read the query string; what is invalid filters nothing.

    Raises Http404 for a view that is not the viewer's.
    """
    view_id = read_number(address.get("view", ""), digits=9)
    view = None if view_id is None else tickets_queries.access_view(viewer, view_id)
    form = FilterForm(view.filter if view else address, viewer=viewer)
    filters = form.filters()
    sort = find_sort(address.get("sort") or (view.sort if view else ""), filters)
    columns = ticket_rows.find_columns(view.columns if view else [], sort)
    return ListQuery(form, filters, sort, columns, view)


def render_category(viewer: User, ticket_id: int, *, error: str = "") -> SafeString:
    """Return what the list shows as the category of a ticket that the viewer may see."""
    tickets = with_category_scores(Ticket.objects.visible_to(viewer))
    ticket = tickets.select_related("category").get(pk=ticket_id)
    categories = dict(tickets_queries.list_category_slug_choices())
    return ticket_rows.render_category(ticket, categories, error=error)


def list_ids(viewer: User, query: ListQuery, limit: int) -> list[int]:
    """Return the ids of the first tickets of the whole list, whatever page is shown."""
    if query.is_broken:
        return []
    return tickets_queries.list_ticket_ids(viewer, query.filters, query.sort, limit)


def list_view_links(viewer: User, active: SavedView | None = None) -> list[ViewLink]:
    """Return own views, then shared ones; the first are counted, from the cache if there."""
    views = tickets_queries.list_views(viewer).select_related(None)
    ordered = sorted(views, key=lambda view: view.owner_id != viewer.pk)
    return [
        ViewLink(
            view,
            format_count(_count_view(viewer, view) if place < MAX_VIEWS_COUNTED else None),
            is_active=view == active,
        )
        for place, view in enumerate(ordered)
    ]


def _load_page(viewer: User, query: ListQuery, address: QueryDict) -> Page[Ticket]:
    if query.is_broken:
        return Page([])
    columns = [column.name for column in query.columns]
    tickets = tickets_queries.list_tickets(viewer, query.filters, query.sort, columns=columns)
    if "category" in columns:
        tickets = with_category_scores(tickets)
    return paginate(
        sla_queries.with_timers(tickets),
        query.sort,
        after=address.get("after", ""),
        before=address.get("before", ""),
        ids_first=True,
    )


def _count(viewer: User, query: ListQuery, page: Page[Ticket], counts: Counts) -> int:
    """Count the tickets of the list; a single page and all open tickets need no query."""
    if page.is_first and not page.next_cursor:
        return len(page.rows)
    if not query.filters.is_filtered:
        return min(counts["total"], tickets_queries.MAX_COUNTED + 1)
    return tickets_queries.count_tickets(viewer, query.filters) or 0


def _count_view(viewer: User, view: SavedView) -> int | None:
    return tickets_queries.count_tickets(viewer, TicketFilter.from_query(view.filter))


def _bulk_form(viewer: User, ticket_list: TicketList) -> BulkForm | None:
    if not ticket_list.can_change_in_bulk:
        return None
    address = ticket_list.address.copy()
    address.pop("bulk", None)
    initial: dict[str, Any] = {"address": address.urlencode()[:MAX_ADDRESS]}
    return BulkForm(viewer=viewer, filter_choices=ticket_list.query.form.choices, initial=initial)


def _find_change(viewer: User, address: QueryDict) -> BulkChange | None:
    try:
        return tickets_queries.find_bulk_change(viewer, UUID(address.get("bulk", "")))
    except ValueError:
        return None
