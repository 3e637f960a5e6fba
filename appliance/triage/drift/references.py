"""Which month the others are compared with."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Min
from django.utils import timezone

from appliance.core.dates import site_date
from appliance.triage.drift import profiles
from appliance.triage.drift.measures import MIN_TICKETS
from appliance.triage.models import DriftSettings, Prediction

GOOD_TICKETS = 100  # make a reference that shows also smaller shifts
MAX_AGE_MONTHS = 24


def count_tickets() -> dict[str, int]:
    """Return the number of tickets of each month, as the settings store it. Reads two years."""
    since = profiles.start_of_month(_oldest_month())
    return {month.isoformat(): n for month, n in profiles.count_by_month(since).items()}


def list_candidates(settings: DriftSettings) -> dict[date, int]:
    """Return the complete months with enough tickets and their numbers, the oldest first.

    As of the worker's latest count: no query.
    """
    this_month = profiles.month_of(site_date())
    counts = {date.fromisoformat(month): n for month, n in settings.month_counts.items()}
    return {
        month: count
        for month, count in sorted(counts.items())
        if _oldest_month() <= month < this_month and count >= MIN_TICKETS
    }


def _oldest_month() -> date:
    return profiles.month_of(site_date() - timedelta(days=31 * MAX_AGE_MONTHS))


def choose_reference(settings: DriftSettings, bundles: str) -> date | None:
    """Return the month an admin chose, else the first good one since the bundle is active.

    While there is none, an earlier one: the bundle has predicted its tickets too, afterwards. A
    month once chosen stays until another bundle is active. ``bundles`` is the digest of the
    classifier.
    """
    candidates = list_candidates(settings)
    if settings.chosen_reference in candidates:
        return settings.chosen_reference
    good = [month for month, count in candidates.items() if count >= GOOD_TICKETS]
    first = _first_month_of_bundle(bundles)
    since_active = [month for month in good if first and month >= first]
    is_same_bundle = settings.reference_bundles == bundles
    for months in (since_active, good):
        if months and is_same_bundle and settings.reference in months:
            return settings.reference
        if months:
            return months[0]
    return max(candidates, key=lambda month: (candidates[month], month), default=None)


def _first_month_of_bundle(digest: str) -> date | None:
    """Return the first month that began after the bundle's first prediction; None without one."""
    predictions = Prediction.objects.filter(
        kind=Prediction.Kind.CATEGORY, bundle_digest=digest
    ).aggregate(first_at=Min("created_at"))
    first_at: datetime | None = predictions["first_at"]
    if first_at is None:
        return None
    day = timezone.localdate(first_at, ZoneInfo(profiles.site_zone()))
    return profiles.next_month(profiles.month_of(day))
