"""For jobs that go through many rows: one that breaks must not keep the others from their turn."""

from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


def survives(job: str, call: Callable[[], bool], **about: object) -> bool:
    """What ``call`` says; False when it broke, which the log tells. It rolls back by itself."""
    try:
        return call()
    except Exception:
        log.exception("row_left_out", job=job, **about)
        return False
