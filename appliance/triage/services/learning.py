"""Train heads on the labels of this desk, activate what is accepted, and roll back.

A head is written once, when its training ends, and activated in one transaction: a training that
is killed changes nothing.
"""

import time
from typing import Any

import numpy as np
import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core.database import lock_until_commit, session_lock
from appliance.core.errors import BadInputError
from appliance.tickets.models import OPEN_STATUSES, Event, TicketCategory
from appliance.triage import engine, head_evaluation, learning, spaces
from appliance.triage.head_evaluation import Evaluation, Fitted
from appliance.triage.models import (
    CategoryHead,
    CategoryLabel,
    LearningSettings,
    Prediction,
)
from appliance.triage.services.labels import record_kept_categories
from appliance.triage.services.queueing import queue_backlog, queue_training

log = structlog.get_logger(__name__)
State = CategoryHead.State
TRAINING_LOCK = "triage.train_head"
ACTIVATION_LOCK = "triage.activate_head"
MAX_COMPARED = 2000  # open tickets, to say what a candidate would change
MAX_EXAMPLES = 10
MAX_HEADS = 60  # in the history


def request_training(*, by: User) -> None:
    """Let the worker train a head on all labels; at most one training waits."""
    require_admin(by)
    audit.record_change(by=by, verb="requested training", subject=load_settings())
    queue_training(by=by)


def train_head(*, by: User | None = None) -> CategoryHead | None:
    """Train a candidate, judge it and store it with the verdict; activates nothing.

    None without an encoder, and while another process trains.
    """
    space = engine.active_space()
    if space is None:
        return None
    with session_lock(TRAINING_LOCK, wait=False) as is_mine:
        if not is_mine:
            log.info("training_runs_already")
            return None
        return _train(space, by)


def _train(space: str, by: User | None) -> CategoryHead:
    started = time.monotonic()
    data = learning.load_training_data(space)
    active = CategoryHead.objects.filter(state=State.ACTIVE, space=space).first()
    evaluation = head_evaluation.evaluate(
        data.examples, data.known_at(active.taught_until if active else None)
    )
    fitted = head_evaluation.fit(data.examples) if evaluation.is_accepted else None
    if evaluation.is_accepted and fitted is None:  # enough for the tests, not for a head
        evaluation = head_evaluation.without_head(evaluation)
    head = CategoryHead(
        state=State.READY if fitted else State.REFUSED,
        space=space,
        content=fitted.head.to_bytes() if fitted else b"",
        counts=fitted.counts if fitted else {},
        evaluation=evaluation.as_json(),
        changes=_changes(fitted, space, data.examples.names) if fitted else {},
        taught_until=data.at[-1] if data.at else None,
        seconds=round(time.monotonic() - started, 2),
        by=by,
    )
    return _store(head, evaluation)


@transaction.atomic
def _store(head: CategoryHead, evaluation: Evaluation) -> CategoryHead:
    """Store the candidate in place of one that was never activated."""
    CategoryHead.objects.filter(state=State.READY).update(state=State.REPLACED)
    head.save(force_insert=True)
    data = {"labels": evaluation.labels, "tests": evaluation.tests, "reason": evaluation.reason}
    audit.record_change(
        by=head.by, verb="trained" if head.content else "refused", subject=head, data=data
    )
    in_use = CategoryHead.objects.exclude(state=State.ACTIVE)
    outdated = in_use.order_by("-trained_at").values_list("pk", flat=True)[MAX_HEADS:]
    CategoryHead.objects.filter(pk__in=list(outdated)).delete()
    return head


def _changes(fitted: Fitted, space: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Return how many open tickets would get another first choice, with examples."""
    rows = list(
        open_predictions()
        .filter(ticket__vectors__space=space)
        .order_by("-ticket_id")
        .values_list("ticket_id", "scores", "base", "ticket__vectors__vector")[:MAX_COMPARED]
    )
    rows = [row for row in rows if row[1]]
    if not rows:
        return {"open": 0, "changed": 0, "examples": []}
    base = learning.base_matrix([(row[2] or {}).get("scores") or row[1] for row in rows], names)
    vectors = np.array([row[3] for row in rows], np.float32)
    opinion = fitted.head.probabilities(vectors)
    mixture = head_evaluation.mix(base, names, fitted.head.labels, opinion, fitted.weight)
    changed = [
        [row[0], str(row[1][0][0]), names[column]]
        for row, column in zip(rows, mixture.argmax(-1), strict=True)
        if row[1][0][0] != names[column]
    ]
    return {"open": len(rows), "changed": len(changed), "examples": changed[:MAX_EXAMPLES]}


def open_predictions() -> QuerySet[Prediction]:
    """Return the predictions of open tickets whose category no person has set."""
    chosen = Event.objects.filter(ticket=OuterRef("ticket_id"), kind=Event.Kind.CATEGORY)
    return Prediction.objects.filter(
        kind=Prediction.Kind.CATEGORY, ticket__status__in=OPEN_STATUSES
    ).exclude(Exists(chosen))


# --- activation and rollback


@transaction.atomic
def activate_head(*, head: CategoryHead, by: User | None) -> None:
    """Use this candidate from now on; the one before can be restored with one click."""
    if by is not None:
        require_admin(by)
    lock_until_commit(ACTIVATION_LOCK)
    candidate = CategoryHead.objects.select_for_update(of=["self"]).get(pk=head.pk)
    if candidate.state != State.READY:
        raise BadInputError(_("This training can no longer be activated. Train again."))
    if candidate.space != engine.active_space():
        raise BadInputError(_("The search model was replaced meanwhile. Train again."))
    former = CategoryHead.objects.filter(state=State.ACTIVE).first()
    if former is not None:
        former.state = State.REPLACED
        former.save(update_fields=["state"])
    candidate.state, candidate.previous = State.ACTIVE, former
    candidate.activated_at = timezone.now()
    candidate.save(update_fields=["state", "previous", "activated_at"])
    audit.record_change(by=by, verb="activated", subject=candidate)
    queue_backlog()


@transaction.atomic
def roll_back_head(*, by: User) -> CategoryHead | None:
    """Use the head before the active one again; None: from now on the classifier alone.

    Nothing is activated at night any more until an admin allows it again.
    """
    require_admin(by)
    lock_until_commit(ACTIVATION_LOCK)
    active = CategoryHead.objects.filter(state=State.ACTIVE).select_related("previous").first()
    if active is None:
        raise BadInputError(_("No learned classifier is active."))
    active.state = State.ROLLED_BACK
    active.save(update_fields=["state"])
    former = active.previous
    if former is not None and former.space == engine.active_space():
        former.state, former.activated_at = State.ACTIVE, timezone.now()
        former.save(update_fields=["state", "activated_at"])
    else:
        former = None
    audit.record_change(
        by=by, verb="rolled back", subject=active, data={"to": str(former) if former else ""}
    )
    audit.update_fields(load_settings(), by=by, is_nightly=False)
    queue_backlog()
    return former


def load_settings() -> LearningSettings:
    return LearningSettings.objects.get_or_create(pk=1)[0]


def set_nightly(*, is_nightly: bool, by: User) -> None:
    """Let the worker train every night and activate what is accepted, or not."""
    require_admin(by)
    audit.update_fields(load_settings(), by=by, is_nightly=is_nightly)


# --- by itself


def learn_nightly() -> int:
    """Record weak labels, and train and activate a head if labels are new. How many activated."""
    record_kept_categories()
    if not load_settings().is_nightly or not _has_new_labels():
        return 0
    return _train_and_activate()


def relearn_for_new_space() -> int:
    """Train again once the vectors of another encoder are there. How many were activated.

    Only where a head was in use, and once for each encoder: at night it is tried again.
    """
    space = engine.active_space()
    active = CategoryHead.objects.filter(state=State.ACTIVE).exclude(space=space).first()
    if space is None or active is None or not spaces.is_space_complete(space):
        return 0
    if CategoryHead.objects.filter(space=space, trained_at__gt=active.activated_at).exists():
        return 0
    return _train_and_activate()


def _train_and_activate() -> int:
    head = train_head()
    if head is None or head.state != State.READY:
        return 0
    activate_head(head=head, by=None)
    return 1


def _has_new_labels() -> bool:
    latest = CategoryHead.objects.order_by("-trained_at").first()
    if latest is None or latest.taught_until is None:
        return CategoryLabel.objects.exists()
    return CategoryLabel.objects.filter(at__gt=latest.taught_until).exists()


@transaction.atomic
def pass_labels_on(*, source: TicketCategory, target: TicketCategory, by: User) -> int:
    """Let the labels of a removed category teach another one. How many.

    The tickets keep their category; only what is learned from them changes.
    """
    require_admin(by)
    if source.is_active:
        raise BadInputError(
            _("%(name)s is still in use. Deactivate it first.") % {"name": source}, field="target"
        )
    if not target.is_active or target.pk == source.pk:
        raise BadInputError(_("Choose an active category."), field="target")
    count = CategoryLabel.objects.filter(category=source).update(category=target, at=timezone.now())
    audit.record_change(
        by=by, verb="merged", subject=source, data={"into": str(target), "labels": count}
    )
    return count
