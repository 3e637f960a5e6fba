"""Monitor active bundles in their trial period: confirm them, or roll them back automatically."""

from datetime import datetime, timedelta
from typing import TypedDict

import structlog
from django.db import transaction
from django.utils import timezone

from appliance.model_updates.models import ActiveBundle, InstalledBundle
from appliance.model_updates.services import activation
from appliance.model_updates.services.events import record
from appliance.triage import engine, index_recall, spaces, work_queue
from appliance.triage import services as triage_services
from appliance.triage.models import NOT_SURE, Correction, Prediction

log = structlog.get_logger(__name__)
TRIAL_PERIOD = timedelta(days=3)
MAX_TRIAL_PERIOD = timedelta(days=14)  # even with few tickets
MIN_TEXTS = 50  # fewer prove nothing
MAX_UNSURE_INCREASE, MAX_CORRECTED_INCREASE = 0.15, 0.10
MAX_FAILURES = 3  # texts that failed permanently
MAX_RECENT = 1000


class HealthMetrics(TypedDict, total=False):
    """Shares of the latest predictions; empty for roles without metrics."""

    read: int  # number of predictions
    not_sure: float | None
    corrected: float | None
    space: str  # of an encoder


def health_metrics(role: str, bundle: InstalledBundle | None) -> HealthMetrics:
    """Measure the active bundle of a role; without ``bundle`` the release's own."""
    ref = engine.find_ref(role)
    if role == "encoder":
        return {"space": bundle.space if bundle else (ref.space if ref else "")}
    digest = bundle.digest if bundle else (ref.digest if ref else "")
    return measure_predictions(role, digest) if digest else {}


def measure_predictions(role: str, digest: str, since: datetime | None = None) -> HealthMetrics:
    """Measure the latest predictions of a classifier, and their corrections since then."""
    if role != "classifier":
        return {}
    predictions = Prediction.objects.filter(kind=Prediction.Kind.CATEGORY, bundle_digest=digest)
    labels = list(
        predictions.order_by("-created_at").values_list("ticket_id", "label")[:MAX_RECENT]
    )
    if not labels:
        return {"read": 0, "not_sure": None, "corrected": None}
    corrections = Correction.objects.filter(
        bundle_digest=digest, ticket__in=[ticket_id for ticket_id, _ in labels]
    ).exclude(predicted=NOT_SURE)
    if since is not None:
        corrections = corrections.filter(created_at__gte=since)
    unsure = sum(label == NOT_SURE for _, label in labels)
    return {
        "read": len(labels),
        "not_sure": round(unsure / len(labels), 3),
        "corrected": round(corrections.count() / len(labels), 3),
    }


def review_active_bundles() -> list[str]:
    """Activate, confirm or roll back bundles where it is due. The changes, as sentences.

    Safe to call any number of times.
    """
    activation.sync_active_json()
    changes = []
    for role in ActiveBundle.objects.values_list("role", flat=True):
        if change := _activate_next_encoder(role) or _review_trial_period(role):
            log.info("models_changed", role=role, change=change)
            changes.append(change)
    return changes


def _activate_next_encoder(role: str) -> str:
    """Activate the next encoder once its space is complete and its recall is acceptable."""
    row = ActiveBundle.objects.select_related("upcoming").get(role=role)
    if row.upcoming is None or not spaces.is_space_complete(row.upcoming.space):
        return ""
    if not index_recall.is_recall_acceptable(row.upcoming.space):
        reason = "Its recall is too low, or its neighbours differ too much from the active ones."
        return _roll_back(role, row.upcoming, reason)
    with transaction.atomic():
        current = ActiveBundle.objects.select_for_update().get(role=role)
        if current.upcoming_id != row.upcoming_id:
            return ""
        activation.activate(current, row.upcoming, run=None)
    activation.sync_active_json()
    return f"{row.upcoming} is active."


def _review_trial_period(role: str) -> str:
    """Roll a bundle in its trial period back, or confirm it at its end."""
    row = ActiveBundle.objects.select_related("bundle").get(role=role)
    bundle = row.bundle
    if bundle is None or bundle.state != InstalledBundle.State.TRIAL:
        return ""
    if reason := rollback_reason(row, bundle):
        return _roll_back(role, bundle, reason)
    if is_trial_period_over(row, bundle):
        confirm(bundle)
        _delete_previous_space(row, bundle)
        return f"{bundle} is confirmed."
    return ""


def _roll_back(role: str, bundle: InstalledBundle, reason: str) -> str:
    activation.roll_back_bundle(role=role, reason=reason)
    activation.sync_active_json()
    return f"{bundle} was rolled back: {reason}"


def rollback_reason(active: ActiveBundle, bundle: InstalledBundle) -> str:
    """Return why the bundle must be rolled back; empty while it is healthy.

    It is unusable, fails on texts, or is unsure or corrected much more often than the previous one.
    """
    status = {status.role: status for status in engine.current().statuses()}[active.role]
    if status.state in ("fallback", "refused") and status.digest != bundle.digest:
        return f"It is unusable: {status.reason}"
    bundles = work_queue.bundles_digest(work_queue.refs_at_hand())
    failed = work_queue.list_failed().filter(bundles=bundles, error__contains=f"{active.role}:")
    failures = failed.count()
    if failures >= MAX_FAILURES:
        return f"It failed on {failures} texts."
    return _worse_metric(active, measure_predictions(active.role, bundle.digest, active.since))


def _worse_metric(active: ActiveBundle, after: HealthMetrics) -> str:
    before: HealthMetrics = active.before
    if (after.get("read") or 0) < MIN_TEXTS or (before.get("read") or 0) < MIN_TEXTS:
        return ""
    unsure_before, unsure = before["not_sure"] or 0.0, after["not_sure"] or 0.0
    if unsure > unsure_before + MAX_UNSURE_INCREASE:
        return f"It is not sure of {unsure:.0%}, before {unsure_before:.0%}."
    corrected_before, corrected = before["corrected"] or 0.0, after["corrected"] or 0.0
    if corrected > corrected_before + MAX_CORRECTED_INCREASE:
        return f"{corrected:.0%} are corrected, before {corrected_before:.0%}."
    return ""


def is_trial_period_over(active: ActiveBundle, bundle: InstalledBundle) -> bool:
    age = timezone.now() - active.since
    if age < TRIAL_PERIOD:
        return False
    metrics = measure_predictions(active.role, bundle.digest)
    return age >= MAX_TRIAL_PERIOD or not metrics or metrics["read"] >= MIN_TEXTS


@transaction.atomic
def confirm(bundle: InstalledBundle) -> None:
    """Mark a bundle as good at the end of its trial period."""
    bundle.state = InstalledBundle.State.CONFIRMED
    bundle.save(update_fields=["state"])
    record("trial", "good", text=f"{bundle} is confirmed: no problem was detected.")


def _delete_previous_space(row: ActiveBundle, bundle: InstalledBundle) -> None:
    """Vectors of the previous encoder stay until the new one is confirmed, for a rollback."""
    if row.role == "encoder" and (old := row.before.get("space")) and old != bundle.space:
        triage_services.queue_space_deletion(old)
