"""Read reports, without the teams the viewer may not see."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeVar

from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import permissions
from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Organisation, Right, Team, User
from appliance.core import cache, cache_values
from appliance.core import queries as core_queries
from appliance.core.dates import site_date
from appliance.core.errors import ForbiddenError, UnavailableError
from appliance.core.languages import Language
from appliance.core.sql_files import SqlValue, read_sql
from appliance.reports.metrics import Metrics
from appliance.reports.models import CountingProgress, Dimension
from appliance.reports.periods import Period, start_of_day
from appliance.tickets.models import Channel, TicketCategory
from appliance.tickets.queries import SENTIMENT_THRESHOLD

Grouping = Literal["steps", "parts"]
Key = TypeVar("Key")  # the first day of a step, or the id of a part
FIRST_DAY = date(1970, 1, 1)
# Sort in memory; no parallel workers, whose start costs more than these queries.
LIMITS = "SET LOCAL work_mem = '48MB'; SET LOCAL max_parallel_workers_per_gather = 0"
MAX_LIVE_SPAN = timedelta(days=100)
MAX_LIVE_TICKETS = 100_000  # counted during the request at most
NO_PART = 0  # in a URL: tickets without category, team or organisation
# Key and groups of the report's statements: each step and the whole period, or each part.
GROUPINGS: dict[Grouping, tuple[str, str]] = {
    "steps": ("bucket", "GROUPING SETS ((), (bucket))"),
    "parts": ("part", "GROUPING SETS ((part))"),
}


@dataclass(frozen=True)
class ReportQuery:
    """Parameters of a report: a period, grouped by a dimension, or one part of it."""

    period: Period
    dimension: str = Dimension.CATEGORY
    part: int | None = None  # NO_PART: tickets without one; None: everything


@dataclass
class Report:
    """Metrics of the period, of each step and part, and of the previous period."""

    report_query: ReportQuery
    total: Metrics = field(default_factory=Metrics)
    previous: Metrics = field(default_factory=Metrics)
    steps: dict[date, Metrics] = field(default_factory=dict)
    parts: dict[int | None, Metrics] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    as_of: datetime | None = None


for _class in (Period, ReportQuery, Metrics, Report):
    cache_values.register(_class)


def access_report(viewer: User, report_query: ReportQuery) -> Report:
    """Return the report, at most a minute old. Raises ForbiddenError without permission."""
    require_right(viewer)
    return cache.get_or_compute(
        "report",
        [accounts_queries.hidden_team_ids(viewer), report_query, *core_queries.locale_defaults()],
        lambda: _compute_report(viewer, report_query),
        depends_on=["reports", cache.TEAMS, cache.CATEGORIES, cache.SITE_SETTINGS],
    )


def require_right(viewer: User) -> None:
    if not permissions.has_right(viewer, Right.REPORTS):
        raise ForbiddenError(
            _("You do not have permission to see reports. An administrator can grant it.")
        )


def _compute_report(viewer: User, report_query: ReportQuery) -> Report:
    _require_counted()
    hidden = accounts_queries.hidden_team_ids(viewer)
    report = Report(report_query, as_of=timezone.now())
    report.steps = {first_day: Metrics() for first_day in report_query.period.steps()}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LIMITS)
        report.total = _collect_metrics(report.steps, report_query, report_query.period, hidden)
        previous_period = report_query.period.previous
        report.previous = _collect_metrics({}, report_query, previous_period, hidden)
        _collect_metrics(report.parts, report_query, report_query.period, hidden, by="parts")
        _collect_backlog(report, hidden)
    report.names = list_part_names(viewer, report_query.dimension, report.parts)
    return report


def _require_counted() -> None:
    """Raise UnavailableError while a large installation is counted for the first time."""
    zone = core_queries.locale_defaults()[1]
    if site_date() - _counted_through(zone) < MAX_LIVE_SPAN:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'tickets_ticket'::regclass")
        (estimated_tickets,) = cursor.fetchone()
    if estimated_tickets > MAX_LIVE_TICKETS:
        raise UnavailableError(
            _("Report data is being computed for the first time. Check again later.")
        )


def _collect_metrics(
    metrics_by_key: dict[Key, Metrics],
    report_query: ReportQuery,
    period: Period,
    hidden: list[int],
    by: Grouping = "steps",
) -> Metrics:
    """Store the metrics by step or part in ``metrics_by_key``; return those of the period."""
    parameters = _query_parameters(report_query, period, hidden, by)
    total = Metrics()
    for is_total, key, *sums in _fetch("sums", parameters, by):
        if is_total:
            total = Metrics.from_sums(sums)
        else:
            metrics_by_key[key] = Metrics.from_sums(sums)
    for is_total, key, metric, count, (median, p90) in _fetch("durations", parameters, by):
        metrics = total if is_total else metrics_by_key[key]
        metrics.set_durations(metric, count, median, p90)
    return total


def _collect_backlog(report: Report, hidden: list[int]) -> None:
    """Set the open tickets at the end of each step, from those at the start and the flow."""
    earlier = Period(FIRST_DAY, report.report_query.period.start - timedelta(days=1))
    ((backlog,),) = _fetch("backlog", _query_parameters(report.report_query, earlier, hidden))
    report.previous.backlog = backlog
    for metrics in report.steps.values():
        backlog += metrics.opened - metrics.solved
        metrics.backlog = backlog
    report.total.backlog = backlog


def _fetch(
    name: str, parameters: Mapping[str, SqlValue], by: Grouping = "steps"
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(compose_sql(name, by), parameters)
        return cursor.fetchall()


@functools.cache
def compose_sql(name: str, by: Grouping = "steps") -> str:
    """Return a statement of this room with the files and groups that it names in braces."""
    key, groups = GROUPINGS[by]
    statement = read_sql("reports", name).replace("{key}", key).replace("{groups}", groups)
    for part in ("days", "facts", "measures"):
        if f"{{{part}}}" in statement:
            statement = statement.replace(f"{{{part}}}", compose_sql(part))
    return statement


def _query_parameters(
    report_query: ReportQuery, period: Period, hidden: list[int], by: Grouping = "steps"
) -> dict[str, SqlValue]:
    """Return the parameters of ``days.sql``: stored days, followed by days counted live.

    Totals are read from the rows of dimension ``all``, which are fewest; parts from their own.
    """
    zone = core_queries.locale_defaults()[1]
    counted = _counted_through(zone)
    live_from = max(period.start, counted + timedelta(days=1))
    is_single_part = report_query.part is not None
    is_total = report_query.dimension == Dimension.TEAM or (by == "steps" and not is_single_part)
    return {
        "dimension": report_query.dimension,
        "stored": "all" if is_total else report_query.dimension,
        "start": period.start,
        "stored_end": min(period.end, counted),
        "since": start_of_day(live_from, zone),
        "until": start_of_day(max(period.end + timedelta(days=1), live_from), zone),
        "zone": zone,
        "step": report_query.period.step,
        "hidden": hidden,
        "sentiment": SENTIMENT_THRESHOLD,
        "channels": Channel.values,
        "languages": Language.values,
        "is_single_part": is_single_part,
        "part": report_query.part or None,
    }


def _counted_through(zone: str) -> date:
    """Return the last day that is stored."""
    progress = CountingProgress.objects.filter(pk=1, time_zone=zone).first()
    return progress.counted_through if progress and progress.counted_through else FIRST_DAY


def list_part_names(viewer: User, dimension: str, parts: Iterable[int | None]) -> dict[int, str]:
    """Return the names of parts; deleted ones and those hidden from the viewer are missing."""
    if dimension == Dimension.CHANNEL:
        return {number: str(label) for number, label in enumerate(Channel.labels, start=1)}
    if dimension == Dimension.LANGUAGE:
        return {number: str(label) for number, label in enumerate(Language.labels, start=1)}
    model: type[Model] = {
        Dimension.CATEGORY: TicketCategory,
        Dimension.TEAM: Team,
        Dimension.AGENT: User,
        Dimension.ORGANISATION: Organisation,
    }[Dimension(dimension)]
    instances = model._default_manager.filter(pk__in=[pk for pk in parts if pk])
    if model is Team:
        instances = instances.exclude(pk__in=accounts_queries.hidden_team_ids(viewer))
    return {instance.pk: str(instance) for instance in instances}
