"""Reads: a report for one viewer, without what they must not see."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts
from appliance.accounts.models import Organisation, Right, Team, User
from appliance.core import cache
from appliance.core import queries as core
from appliance.core.errors import RefusedError
from appliance.reports import periods, sql
from appliance.reports.figures import Figures
from appliance.reports.models import Dimension, Progress
from appliance.reports.periods import Period
from appliance.tickets.models import TicketCategory
from appliance.tickets.queries import MOOD_THRESHOLD

FIRST_DAY = date(1970, 1, 1)
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
    """The report; at most a minute old. Raises RefusedError without the right to it."""
    refuse_without_right(viewer)
    return cache.remember(
        "report",
        [accounts.hidden_teams(viewer), asked, *core.manners()],
        lambda: _report(viewer, asked),
        depends_on=["reports", cache.TEAMS, cache.CATEGORIES, cache.DESK],
    )


def has_right(viewer: User) -> bool:
    return accounts.has_right(viewer, Right.REPORTS)


def refuse_without_right(viewer: User) -> None:
    if not has_right(viewer):
        raise RefusedError(_("You may not see reports. An admin can give you the right."))


def today() -> date:
    """On the desk's wall clock."""
    return periods.today(core.manners()[1], timezone.now())


def _report(viewer: User, asked: Asked) -> Report:
    hidden = accounts.hidden_teams(viewer)
    report = Report(asked, as_of=timezone.now())
    report.steps = {at: Figures() for at in asked.period.steps()}
    _fill(report, asked.period, hidden)
    _fill_before(report, hidden)
    report.names = list_names(viewer, asked.dimension, report.parts)
    return report


def _fill(report: Report, period: Period, hidden: list[int]) -> None:
    values = _values(report.asked, period, hidden)
    for is_total, is_step, bucket, part, *sums in _ask("sums", values):
        _put(report, is_total, is_step, bucket, part, Figures.of(sums))
    for is_total, is_step, bucket, part, what, count, (median, p90) in _ask("durations", values):
        figures = report.total if is_total else (
            report.steps[bucket] if is_step else report.parts[part]
        )  # fmt: skip
        setattr(figures, f"{what}_median", median)
        setattr(figures, f"{what}_p90", p90)
        if what == "answer":
            figures.answered = count
    _run_backlog(report, hidden)


def _put(
    report: Report, is_total: bool, is_step: bool, bucket: date, part: int | None, row: Figures
) -> None:
    if is_total:
        report.total = row
    elif is_step:
        report.steps[bucket] = row
    else:
        report.parts[part] = row


def _run_backlog(report: Report, hidden: list[int]) -> None:
    """Open tickets at the end of each step: those at the start, and what came and went since."""
    earlier = Period(FIRST_DAY, report.asked.period.start - timedelta(days=1))
    values = _values(report.asked, earlier, hidden)
    if report.asked.part is None:
        values["stored"] = "all"  # the same sum from the fewest rows
    ((at_start,),) = _ask("backlog", values)
    backlog = at_start
    for figures in report.steps.values():
        backlog += figures.opened - figures.solved
        figures.backlog = backlog
    report.total.backlog, report.before.backlog = backlog, at_start


def _fill_before(report: Report, hidden: list[int]) -> None:
    """The totals of the span before; its backlog at the end is ours at the start."""
    at_start = report.before.backlog
    earlier = Report(report.asked)
    values = _values(report.asked, report.asked.period.before, hidden)
    for is_total, is_step, bucket, part, *sums in _ask("sums", values):
        _put(earlier, is_total, is_step, bucket, part, Figures.of(sums))
    for is_total, _step, _bucket, _part, what, _count, (median, p90) in _ask("durations", values):
        if is_total:
            setattr(earlier.total, f"{what}_median", median)
            setattr(earlier.total, f"{what}_p90", p90)
    earlier.total.backlog = at_start
    report.before = earlier.total


def _ask(name: str, values: dict) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql.text(name), values)
        return cursor.fetchall()


def _values(asked: Asked, period: Period, hidden: list[int]) -> dict:
    """What the queries of ``rows.sql`` are asked with: stored days, then live ones behind them."""
    zone = core.manners()[1]
    counted = _counted_through(zone)
    live_from = max(period.start, counted + timedelta(days=1))
    is_part = asked.part is not None
    return {
        "dimension": asked.dimension,
        "stored": "all" if asked.dimension == Dimension.TEAM else asked.dimension,
        "start": period.start,
        "stored_end": min(period.end, counted),
        "since": periods.moment(live_from, zone),
        "until": periods.moment(max(period.end + timedelta(days=1), live_from), zone),
        "zone": zone,
        "step": asked.period.step,
        "hidden": hidden,
        "mood": MOOD_THRESHOLD,
        "is_one": is_part,
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
        rows = rows.exclude(pk__in=accounts.hidden_teams(viewer))
    return {row.pk: str(row) for row in rows}
