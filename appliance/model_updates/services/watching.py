"""What the worker does by itself: an encoder's turn comes, a trial ends well or ends early."""

import structlog
from django.db import transaction

from appliance.model_updates.models import InstalledBundle, Running
from appliance.model_updates.services import swapping, trial
from appliance.triage import recall, spaces
from appliance.triage import services as triage_services

log = structlog.get_logger(__name__)


def watch() -> list[str]:
    """Look at every role once; what was changed, in words. Any number of times."""
    swapping.follow()
    changed = []
    for role in Running.objects.values_list("role", flat=True):
        if told := _flip(role) or _judge(role):
            log.info("models_watched", role=role, told=told)
            changed.append(told)
    return changed


def _flip(role: str) -> str:
    """A new encoder runs once all its vectors are there and find what the old ones find."""
    row = Running.objects.select_related("upcoming").get(role=role)
    if row.upcoming is None or not spaces.is_space_complete(row.upcoming.space):
        return ""
    if not recall.recall_agrees(row.upcoming.space):
        why = "Its vectors do not find what lies near, or find something else than the old ones."
        swapping.go_back(role=role, why=why)
        swapping.follow()
        return f"{row.upcoming} was taken back: {why}"
    with transaction.atomic():
        current = Running.objects.select_for_update().get(role=role)
        if current.upcoming_id != row.upcoming_id:
            return ""
        swapping.make_running(current, row.upcoming, run=None)
    swapping.follow()
    return f"{row.upcoming} runs."


def _judge(role: str) -> str:
    row = Running.objects.select_related("bundle").get(role=role)
    if row.bundle is None or row.bundle.state != InstalledBundle.State.TRIAL:
        return ""
    if why := trial.why_go_back(row):
        swapping.go_back(role=role, why=why)
        swapping.follow()
        return f"{row.bundle} was taken back: {why}"
    if trial.is_trial_over(row):
        trial.mark_good(row)
        _forget_old_space(row)
        return f"{row.bundle} is marked good."
    return ""


def _forget_old_space(row: Running) -> None:
    """Going back from a good encoder means writing the vectors anew; until then they are kept."""
    if row.role == "encoder" and (old := row.before.get("space")) and old != row.bundle.space:
        triage_services.queue_forgetting(old)
