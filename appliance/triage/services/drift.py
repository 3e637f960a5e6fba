"""Compute the measures of drift, month by month, and change their settings.

Every month is one transaction, so an interruption loses nothing.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core.database import session_lock
from appliance.core.dates import site_date
from appliance.core.errors import BadInputError
from appliance.triage import engine
from appliance.triage.drift import profiles, references
from appliance.triage.drift.measures import (
    DEFAULT_THRESHOLDS,
    Measurement,
    MonthProfile,
    compare,
)
from appliance.triage.models import DriftSettings, DriftValue, Measure
from appliance.triage.services.queueing import queue_drift_update

MONTHS = 12  # up to the current one, besides the reference
RETRY_AFTER = timedelta(minutes=50)  # of a month whose texts wait for the models
SUNDAY = 6
COMPUTED_FIELDS = ["value", "expected", "chance", "count", "details", "inputs", "computed_at"]


def update_drift(*, seconds: float = 10) -> bool:
    """Compute outdated months for about ``seconds``; return whether work is left.

    Once a day the months with changed tickets are outdated, and at once all months after a change
    of the reference month, the bundles, the time zone or the closed teams.
    """
    with session_lock("triage.drift", wait=False) as is_held:
        return is_held and _update(seconds)


def _update(seconds: float) -> bool:
    ends_at = time.monotonic() + seconds
    settings, _created = DriftSettings.objects.get_or_create(pk=1)
    reference = _update_reference(settings)
    if reference is None:
        DriftValue.objects.all().delete()
        return False
    months = list_months(reference, site_date())
    DriftValue.objects.exclude(month__in=months).delete()
    _mark_changed_months(settings, months)
    inputs = digest_inputs(reference)
    outdated = _list_outdated(months, inputs)
    if not outdated:
        return False
    reference_profile = profiles.read_profile(reference, needs_vectors=True)
    for number, month in enumerate(outdated, start=1):
        is_reference = month == reference
        profile = reference_profile if is_reference else profiles.read_profile(month)
        _store(month, inputs, _measure(reference_profile, profile))
        if time.monotonic() > ends_at:
            return number < len(outdated)
    return False


def list_months(reference: date, today: date) -> list[date]:
    """Return the reference month and the last months after it, the newest first."""
    months: list[date] = []
    month = profiles.month_of(today)
    while month > reference and len(months) < MONTHS:
        months.append(month)
        month = profiles.month_of(month - timedelta(days=1))
    return [*months, reference]


def digest_inputs(reference: date) -> str:
    """Return a digest of all that a value depends on besides the tickets of its month."""
    parts = [
        reference.isoformat(),
        profiles.site_zone(),
        engine.active_space() or "",
        *(f"{role}={ref.digest}" for role, ref in sorted(engine.refs().items())),
        *(f"closed {pk}" for pk in sorted(accounts_queries.closed_team_ids())),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _update_reference(settings: DriftSettings) -> date | None:
    """Choose the reference month and store it; None while no month has enough tickets."""
    classifier = engine.find_ref("classifier")
    bundles = classifier.digest if classifier else ""
    settings.month_counts = references.count_tickets()
    reference = references.choose_reference(settings, bundles)
    settings.reference, settings.reference_bundles = reference, bundles
    settings.save(update_fields=["month_counts", "reference", "reference_bundles"])
    return reference


def _mark_changed_months(settings: DriftSettings, months: Sequence[date]) -> None:
    """Once a day, let the latest months and those with changed tickets be computed again.

    On Sundays all, for changes without a time, such as merged tickets.
    """
    now, today = timezone.now(), site_date()
    checked_at = settings.checked_at
    zone = ZoneInfo(profiles.site_zone())
    if checked_at and timezone.localdate(checked_at, zone) == today:
        return
    changed = set(months[:2])
    if checked_at is None or today.weekday() == SUNDAY:
        changed = set(months)
    elif months[-1] in (changed := changed | profiles.list_changed_months(checked_at)):
        changed = set(months)  # all are compared with the reference
    with transaction.atomic():
        DriftValue.objects.filter(month__in=changed).update(inputs="")
        settings.checked_at = now
        settings.save(update_fields=["checked_at"])


def _list_outdated(months: Sequence[date], inputs: str) -> list[date]:
    """Return the months without current values; any measure of a month stands for all."""
    values = {
        value.month: value for value in DriftValue.objects.filter(measure=Measure.COVERAGE).all()
    }

    def is_outdated(month: date) -> bool:
        value = values.get(month)
        if value is None or value.inputs != inputs:
            return True
        is_waiting = bool(value.details.get("waiting"))
        return is_waiting and value.computed_at < timezone.now() - RETRY_AFTER

    return [month for month in months if is_outdated(month)]


def _measure(reference: MonthProfile, profile: MonthProfile) -> dict[Measure, Measurement]:
    """Compare two months; without values while the models process the texts of either."""
    if profiles.is_waiting(profile) or profiles.is_waiting(reference):
        waiting = Measurement(count=profile.tickets, details={"waiting": True})
        return dict.fromkeys(Measure, waiting)
    return compare(reference, profile)


def _store(month: date, inputs: str, measurements: Mapping[Measure, Measurement]) -> None:
    now = timezone.now()
    DriftValue.objects.bulk_create(
        (
            DriftValue(
                month=month,
                measure=measure,
                value=measurement.value,
                expected=measurement.expected,
                chance=measurement.chance,
                count=measurement.count,
                details=measurement.details,
                inputs=inputs,
                computed_at=now,
            )
            for measure, measurement in measurements.items()
        ),
        update_conflicts=True,
        unique_fields=["month", "measure"],
        update_fields=COMPUTED_FIELDS,
    )


@transaction.atomic
def change_drift_settings(
    *, by: User, reference: date | None, thresholds: Mapping[str, float]
) -> bool:
    """Set the reference month (None: automatic) and the thresholds. Return False if unchanged.

    Raises BadInputError for a month that cannot be the reference.
    """
    require_admin(by)
    settings, _created = DriftSettings.objects.select_for_update().get_or_create(pk=1)
    if reference is not None and reference not in references.list_candidates(settings):
        raise BadInputError(
            _("This month cannot be the reference. Choose a complete month from the list."),
            field="reference",
        )
    is_other_reference = settings.chosen_reference != reference
    is_changed = audit.update_fields(
        settings,
        by=by,
        chosen_reference=reference,
        thresholds={
            measure.value: thresholds[measure]
            for measure, default in DEFAULT_THRESHOLDS.items()
            if thresholds.get(measure, default) != default
        },
    )
    if is_other_reference:
        queue_drift_update()
    return is_changed


def request_drift_update(*, by: User) -> None:
    """Let all months be computed again, now."""
    require_admin(by)
    DriftValue.objects.update(inputs="")
    queue_drift_update()
