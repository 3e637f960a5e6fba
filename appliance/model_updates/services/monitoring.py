"""The time after a swap: how it goes is compared with how it went, and decides by itself."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from appliance.model_updates.models import ActiveBundle, InstalledBundle
from appliance.model_updates.services import activation
from appliance.model_updates.services.events import record
from appliance.triage import engine, index_recall, spaces, work_queue
from appliance.triage import services as triage_services
from appliance.triage.models import NOT_SURE, Correction, Prediction

TRIAL = timedelta(days=3)
MAX_TRIAL = timedelta(days=14)  # a quiet desk has seen enough by then, too
MIN_TEXTS = 50  # texts, before shares say anything
MORE_UNSURE, MORE_CORRECTED = 0.15, 0.10
MAX_FAILURES = 3  # texts it failed on three times each
MAX_RECENT = 1000


def health_metrics(role: str, bundle: InstalledBundle | None) -> dict[str, Any]:
    """Of the newest texts read for a role by what runs: the share not sure, and corrected."""
    ref = engine.find_ref(role)
    digest = bundle.digest if bundle else (ref.digest if ref else "")
    if role == "encoder":
        return {"space": bundle.space if bundle else (ref.space if ref else "")}
    return measure(role, digest) if digest else {}


def measure(role: str, digest: str, since: datetime | None = None) -> dict[str, Any]:
    """Shares among the newest texts that this bundle read, since then."""
    if role != "classifier":
        return {}
    rows = Prediction.objects.filter(kind=Prediction.Kind.CATEGORY, bundle_digest=digest)
    labels = list(rows.order_by("-created_at").values_list("ticket_id", "label")[:MAX_RECENT])
    corrected = Correction.objects.filter(
        bundle_digest=digest, ticket__in=[pk for pk, _ in labels]
    ).exclude(predicted=NOT_SURE)
    if since is not None:
        corrected = corrected.filter(created_at__gte=since)
    if not labels:
        return {"read": 0, "not_sure": None, "corrected": None}
    unsure = sum(label == NOT_SURE for _, label in labels)
    return {
        "read": len(labels),
        "not_sure": round(unsure / len(labels), 3),
        "corrected": round(corrected.count() / len(labels), 3),
    }


def rollback_reason(current: ActiveBundle) -> str:
    """Empty while it goes well. A bundle that does not hold, breaks on texts, is unsure or
    corrected much more often than the one before.
    """
    status = {s.role: s for s in engine.current().statuses()}[current.role]
    if status.state in ("fallback", "refused") and status.digest != current.bundle.digest:
        return f"It does not hold: {status.reason}"
    now = work_queue.identity(work_queue.refs_at_hand())
    parked = work_queue.list_failed().filter(bundles=now, error__contains=f"{current.role}:")
    broken = parked.count()
    if broken >= MAX_FAILURES:
        return f"It broke on {broken} texts."
    before = current.before
    after = measure(current.role, current.bundle.digest, current.since)
    if not after or after["read"] < MIN_TEXTS or (before.get("read") or 0) < MIN_TEXTS:
        return ""
    if after["not_sure"] > before["not_sure"] + MORE_UNSURE:
        return f"It is not sure of {after['not_sure']:.0%}, before {before['not_sure']:.0%}."
    if after["corrected"] > before["corrected"] + MORE_CORRECTED:
        return f"{after['corrected']:.0%} are corrected, before {before['corrected']:.0%}."
    return ""


def is_trial_finished(current: ActiveBundle) -> bool:
    age = timezone.now() - current.since
    if age < TRIAL:
        return False
    metrics = measure(current.role, current.bundle.digest)
    return age >= MAX_TRIAL or not metrics or metrics["read"] >= MIN_TEXTS


@transaction.atomic
def confirm_trial(current: ActiveBundle) -> None:
    current.bundle.state = InstalledBundle.State.GOOD
    current.bundle.save(update_fields=["state"])
    record("trial", "good", text=f"{current.bundle} stays: nothing spoke against it.")


log = structlog.get_logger(__name__)


def watch() -> list[str]:
    """Look at every role once; what was changed, in words. Any number of times."""
    activation.follow()
    changed = []
    for role in ActiveBundle.objects.values_list("role", flat=True):
        if outcome := _flip(role) or _judge(role):
            log.info("models_watched", role=role, told=outcome)
            changed.append(outcome)
    return changed


def _flip(role: str) -> str:
    """A new encoder runs once all its vectors are there and find what the old ones find."""
    row = ActiveBundle.objects.select_related("upcoming").get(role=role)
    if row.upcoming is None or not spaces.is_space_complete(row.upcoming.space):
        return ""
    if not index_recall.recall_agrees(row.upcoming.space):
        why = "Its vectors do not find what lies near, or find something else than the old ones."
        activation.roll_back_bundle(role=role, why=why)
        activation.follow()
        return f"{row.upcoming} was taken back: {why}"
    with transaction.atomic():
        current = ActiveBundle.objects.select_for_update().get(role=role)
        if current.upcoming_id != row.upcoming_id:
            return ""
        activation.activate(current, row.upcoming, run=None)
    activation.follow()
    return f"{row.upcoming} runs."


def _judge(role: str) -> str:
    row = ActiveBundle.objects.select_related("bundle").get(role=role)
    if row.bundle is None or row.bundle.state != InstalledBundle.State.TRIAL:
        return ""
    if why := rollback_reason(row):
        activation.roll_back_bundle(role=role, why=why)
        activation.follow()
        return f"{row.bundle} was taken back: {why}"
    if is_trial_finished(row):
        confirm_trial(row)
        _forget_old_space(row)
        return f"{row.bundle} is marked good."
    return ""


def _forget_old_space(row: ActiveBundle) -> None:
    """Going back from a good encoder means writing the vectors anew; until then they are kept."""
    if row.role == "encoder" and (old := row.before.get("space")) and old != row.bundle.space:
        triage_services.queue_space_deletion(old)
