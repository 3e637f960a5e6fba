"""Read the measures of drift with their states, for the page, the status page and alarms."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core.dates import site_date
from appliance.triage.drift import profiles
from appliance.triage.drift.measures import DEFAULT_THRESHOLDS, deviation
from appliance.triage.models import DriftSettings, DriftValue, Measure

State = Literal["stable", "watch", "alarm", "unknown", "waiting", "reference"]
WATCH_SHARE = 0.5  # of the threshold; from here on a shift that is no chance is worth a look


@dataclass(frozen=True)
class MonthValue:
    """A measure of one month. ``limit`` is the value from which it is an alarm."""

    month: date
    value: float | None
    expected: float
    chance: float
    limit: float | None
    count: int
    state: State
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MeasureReport:
    """A measure of all months, the oldest first."""

    measure: Measure
    threshold: float
    months: list[MonthValue]

    @property
    def latest(self) -> MonthValue | None:
        """The newest month with a value that is not the reference; None without one."""
        months = [month for month in self.months if month.state in ("stable", "watch", "alarm")]
        return months[-1] if months else None

    @property
    def state(self) -> State:
        if self.latest:
            return self.latest.state
        is_waiting = any(month.state == "waiting" for month in self.months)
        return "waiting" if is_waiting else "unknown"


@dataclass(frozen=True)
class Alarm:
    """A measure that is over its limit in a month."""

    measure: Measure
    month: date


@dataclass(frozen=True)
class DriftReport:
    """All measures. ``reference`` is None, and there are no measures, without enough tickets."""

    reference: date | None
    is_automatic: bool
    computed_at: datetime | None
    measures: list[MeasureReport]

    @property
    def latest_alarms(self) -> list[Alarm]:
        """The measures whose newest value is an alarm."""
        return [
            Alarm(report.measure, report.latest.month)
            for report in self.measures
            if report.latest and report.latest.state == "alarm"
        ]


def find_settings() -> DriftSettings:
    """Return the settings; before the first change unsaved ones with the defaults."""
    return DriftSettings.objects.filter(pk=1).first() or DriftSettings()


def thresholds_of(settings: DriftSettings) -> dict[Measure, float]:
    """Return the threshold of each measure: what an admin has set, else the default."""
    return {
        measure: float(settings.thresholds.get(measure.value, default))
        for measure, default in DEFAULT_THRESHOLDS.items()
    }


def read_report(viewer: User) -> DriftReport:
    """Return all measures to an admin. Two queries. Raises ForbiddenError for others."""
    require_admin(viewer)
    return _read_report()


def _read_report() -> DriftReport:
    settings = find_settings()
    values = list(DriftValue.objects.order_by("month"))
    measures = [
        MeasureReport(
            measure,
            threshold,
            [
                _judge(value, threshold, settings.reference)
                for value in values
                if value.measure == measure
            ],
        )
        for measure, threshold in thresholds_of(settings).items()
    ]
    return DriftReport(
        reference=settings.reference,
        is_automatic=settings.chosen_reference != settings.reference,
        computed_at=max((value.computed_at for value in values), default=None),
        measures=measures if values else [],
    )


def _judge(value: DriftValue, threshold: float, reference: date | None) -> MonthValue:
    """Return the value with its state and the limit, which is the threshold or chance."""
    margin = max(threshold, value.chance)
    is_falling = value.measure == Measure.COVERAGE
    limit = None
    if value.value is not None:
        limit = max(0.0, value.expected - margin) if is_falling else value.expected + margin
    return MonthValue(
        month=value.month,
        value=value.value,
        expected=value.expected,
        chance=value.chance,
        limit=limit,
        count=value.count,
        state=_state_of(value, threshold, reference),
        details=value.details,
    )


def _state_of(value: DriftValue, threshold: float, reference: date | None) -> State:
    if value.details.get("waiting"):
        return "waiting"
    if value.value is None:
        return "unknown"
    if value.month == reference:
        return "reference"
    distance = deviation(value.measure, value.value, value.expected)
    if distance > max(threshold, value.chance):
        return "alarm"
    is_shift = distance > max(WATCH_SHARE * threshold, value.chance)
    return "watch" if is_shift or distance > threshold else "stable"


def list_alarms() -> list[Alarm]:
    """Return the alarms of the current month and the one before it. Two queries."""
    first_month = profiles.month_of(profiles.month_of(site_date()) - timedelta(days=1))
    return [
        Alarm(report.measure, month.month)
        for report in _read_report().measures
        for month in report.months
        if month.state == "alarm" and month.month >= first_month
    ]
