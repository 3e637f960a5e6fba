"""A ticket is read in the time of the person who sent it, as far as that goes."""

import contextlib
import threading
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import connection

from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import DeadlineExecutor, BusyError
from appliance.inference.errors import InferenceError
from appliance.triage import backlog, engine
from appliance.triage.reader import Answers
from appliance.triage.services.tickets import annotate

log = structlog.get_logger(__name__)
_readers = DeadlineExecutor("annotate", threads=2)


def annotate_soon(ticket_id: int, budget_seconds: float | None = None) -> bool:
    """Annotate within the budget (settings.ANNOTATE_BUDGET_SECONDS). Whether it ended in time.

    Never raises. The models read in a thread: what does not fit goes on behind, and is written
    from there; when they hang, later calls return at once. The ticket must be committed.
    """
    if connection.in_atomic_block:
        return False
    seconds = settings.ANNOTATE_BUDGET_SECONDS if budget_seconds is None else budget_seconds

    def within_budget(ask: Callable[[], Answers], write: Callable[[Answers], bool]) -> Answers:
        return _readers.run(
            ask, seconds=seconds, on_late_result=lambda said: run_and_close_connection(lambda: write(said))
        )

    try:
        annotate(ticket_id, within_budget)
    except (BusyError, TimeoutError) as error:
        log.info("annotate_later", ticket=ticket_id, why=type(error).__name__)
        return False
    except Exception:
        log.exception("annotate_failed", ticket=ticket_id)
        return False
    return True


def warm() -> None:
    """Load the models in the background, so that the first ticket does not pay for it."""
    threading.Thread(
        target=run_and_close_connection, args=[_warm], name="warm-models", daemon=True
    ).start()


def _warm() -> None:
    models = engine.current()
    models.load()
    with contextlib.suppress(InferenceError):  # the status page names it
        models.classify("warm up", backlog.labels())  # embeds the categories' phrases
