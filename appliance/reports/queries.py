"""Reads: a report for one viewer, without what they must not see."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Organisation, Right, Team, User
from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.core.errors import ForbiddenError, UnavailableError
from appliance.reports import periods, sql
from appliance.reports.figures import Figures
from appliance.reports.models import Dimension, Progress
from appliance.reports.periods import Period
from appliance.tickets.models import TicketCategory
from appliance.tickets.queries import MOOD_THRESHOLD

FIRST_DAY = date(1970, 1, 1)
# Enough to sort in memory; no helpers, whose start costs more than these queries.
LIMITS = "SET LOCAL work_mem = '48MB'; SET LOCAL max_parallel_workers_per_gather = 0"
MOST_LIVE = timedelta(days=100)
MOST_TICKETS_LIVE = 100_000  # as many as can be counted while somebody waits
NOBODY = 0  # in an address: the part of what belongs to none


@dataclass(frozen=True)
class Asked:
    """What a report is about: a span, told apart by a dimension, or of one part of it alone."""

    period: Period
    dimension: str = Dimension.CATEGORY
    part: int | None = None  # NOBODY: what belongs to none; None: everything


@dataclass
class Report:
    """Figures of the span, of each step in it, of each part; and of the span before."""

    asked: Asked
    total: Figures = field(default_factory=Figures)
    before: Figures = field(default_factory=Figures)
    steps: dict[date, Figures] = field(default_factory=dict)
    parts: dict[int | None, Figures] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    as_of: datetime | None = None


def access_report(viewer: User, asked: Asked) -> Report:
    """The report; at most a minute old. Raises ForbiddenError without the right to it."""
    refuse_without_right(viewer)
    return cache.get_or_compute(
        "report",
        [accounts_queries.hidden_team_ids(viewer), asked, *core_queries.locale_defaults()],
        lambda: _report(viewer, asked),
        depends_on=["reports", cache.TEAMS, cache.CATEGORIES, cache.SITE_SETTINGS],
    )


def has_right(viewer: User) -> bool:
    return accounts_queries.has_right(viewer, Right.REPORTS)


def refuse_without_right(viewer: User) -> None:
    if not has_right(viewer):
        raise ForbiddenError(_("You do not have permission to see reports. An administrator can grant it."))


def today() -> date:
    """On the desk's wall clock."""
    return periods.today(core_queries.locale_defaults()[1], timezone.now())


def _report(viewer: User, asked: Asked) -> Report:
    _refuse_while_counting_begins()
    hidden = accounts_queries.hidden_team_ids(viewer)
    report = Report(asked, as_of=timezone.now())
    report.steps = {at: Figures() for at in asked.period.steps()}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LIMITS)
        report.total = _fill(report.steps, asked, asked.period, hidden)
        report.before = _fill({}, asked, asked.period.before, hidden)
        _fill(report.parts, asked, asked.period, hidden, by="parts")
        _run_backlog(report, hidden)
    report.names = list_names(viewer, asked.dimension, report.parts)
    return report


def _refuse_while_counting_begins() -> None:
    """A large desk that is counted for the first time would count all of it for each look."""
    zone = core_queries.locale_defaults()[1]
    if today() - _counted_through(zone) < MOST_LIVE:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'tickets_ticket'::regclass")
        (about,) = cursor.fetchone()
    if about > MOST_TICKETS_LIVE:
        raise UnavailableError(
            _("Report data is being computed for the first time. Check again later.")
        )


def _fill(
    into: dict, asked: Asked, period: Period, hidden: list[int], by: str = "steps"
) -> Figures:
    """Figures by step or by part into ``into``; returns those of the whole span."""
    values = _values(asked, period, hidden, by)
    whole = Figures()
    for is_whole, key, *sums in _ask("sums", values, by):
        if is_whole:
            whole = Figures.of(sums)
        else:
            into[key] = Figures.of(sums)
    for is_whole, key, what, count, (median, p90) in _ask("durations", values, by):
        figures = whole if is_whole else into[key]
        figures.set_durations(what, count, median, p90)
    return whole


def _run_backlog(report: Report, hidden: list[int]) -> None:
    """Open tickets at the end of each step: those at the start, and what came and went since."""
    earlier = Period(FIRST_DAY, report.asked.period.start - timedelta(days=1))
    ((backlog,),) = _ask("backlog", _values(report.asked, earlier, hidden))
    report.before.backlog = backlog
    for figures in report.steps.values():
        backlog += figures.opened - figures.solved
        figures.backlog = backlog
    report.total.backlog = backlog


def _ask(name: str, values: dict, by: str = "steps") -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql.text(name, by), values)
        return cursor.fetchall()


def _values(asked: Asked, period: Period, hidden: list[int], by: str = "steps") -> dict:
    """What the queries of ``rows.sql`` are asked with: stored days, then live ones behind them.

    The whole is read from the rows of the whole, which are fewest; parts from those of their own.
    """
    zone = core_queries.locale_defaults()[1]
    counted = _counted_through(zone)
    live_from = max(period.start, counted + timedelta(days=1))
    is_one = asked.part is not None
    is_whole = asked.dimension == Dimension.TEAM or (by == "steps" and not is_one)
    return {
        "dimension": asked.dimension,
        "stored": "all" if is_whole else asked.dimension,
        "start": period.start,
        "stored_end": min(period.end, counted),
        "since": periods.moment(live_from, zone),
        "until": periods.moment(max(period.end + timedelta(days=1), live_from), zone),
        "zone": zone,
        "step": asked.period.step,
        "hidden": hidden,
        "mood": MOOD_THRESHOLD,
        "is_one": is_one,
        "one": asked.part or None,
    }


def _counted_through(zone: str) -> date:
    """The last day that need not be counted now."""
    progress = Progress.objects.filter(pk=1, time_zone=zone).first()
    return progress.counted_through if progress and progress.counted_through else FIRST_DAY


def list_names(viewer: User, dimension: str, parts: Iterable[int | None]) -> dict[int, str]:
    """What each part is called; those that are gone, or hidden from the viewer, are missing."""
    model = {
        Dimension.CATEGORY: TicketCategory,
        Dimension.TEAM: Team,
        Dimension.AGENT: User,
        Dimension.ORGANISATION: Organisation,
    }[Dimension(dimension)]
    rows = model.objects.filter(pk__in=[pk for pk in parts if pk])
    if model is Team:
        rows = rows.exclude(pk__in=accounts_queries.hidden_team_ids(viewer))
    return {row.pk: str(row) for row in rows}
