"""The time after a swap: how it goes is compared with how it went, and decides by itself."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from appliance.model_updates.models import InstalledBundle, Running
from appliance.model_updates.services.recording import record
from appliance.triage import backlog, claims, engine
from appliance.triage.models import NOT_SURE, Annotation, Correction

TRIAL = timedelta(days=3)
LONGEST_TRIAL = timedelta(days=14)  # a quiet desk has seen enough by then, too
LEAST_READ = 50  # texts, before shares say anything
MORE_UNSURE, MORE_CORRECTED = 0.15, 0.10
MOST_BROKEN = 3  # texts it failed on three times each
LOOKED_AT = 1000


def how_it_goes(role: str, bundle: InstalledBundle | None) -> dict[str, Any]:
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
    rows = Annotation.objects.filter(kind=Annotation.Kind.CATEGORY, bundle_digest=digest)
    labels = list(rows.order_by("-created_at").values_list("ticket_id", "label")[:LOOKED_AT])
    corrected = Correction.objects.filter(
        bundle_digest=digest, ticket__in=[pk for pk, _ in labels]
    ).exclude(said=NOT_SURE)
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


def why_go_back(current: Running) -> str:
    """Empty while it goes well. A bundle that does not hold, breaks on texts, is unsure or
    corrected much more often than the one before.
    """
    status = {s.role: s for s in engine.current().statuses()}[current.role]
    if status.state in ("fallback", "refused") and status.digest != current.bundle.digest:
        return f"It does not hold: {status.reason}"
    now = backlog.identity(backlog.refs_at_hand())
    parked = claims.list_parked().filter(bundles=now, error__contains=f"{current.role}:")
    broken = parked.count()
    if broken >= MOST_BROKEN:
        return f"It broke on {broken} texts."
    before = current.before
    after = measure(current.role, current.bundle.digest, current.since)
    if not after or after["read"] < LEAST_READ or (before.get("read") or 0) < LEAST_READ:
        return ""
    if after["not_sure"] > before["not_sure"] + MORE_UNSURE:
        return f"It is not sure of {after['not_sure']:.0%}, before {before['not_sure']:.0%}."
    if after["corrected"] > before["corrected"] + MORE_CORRECTED:
        return f"{after['corrected']:.0%} are corrected, before {before['corrected']:.0%}."
    return ""


def is_trial_over(current: Running) -> bool:
    age = timezone.now() - current.since
    if age < TRIAL:
        return False
    found = measure(current.role, current.bundle.digest)
    return age >= LONGEST_TRIAL or not found or found["read"] >= LEAST_READ


@transaction.atomic
def mark_good(current: Running) -> None:
    current.bundle.state = InstalledBundle.State.GOOD
    current.bundle.save(update_fields=["state"])
    record("trial", "good", text=f"{current.bundle} stays: nothing spoke against it.")
