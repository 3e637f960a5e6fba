"""Helpers for logging."""

import re
from collections.abc import Callable

import structlog
from structlog.typing import EventDict

log = structlog.get_logger(__name__)
# Anyone who knows this part of the URL may set up the site, set a password or read a ticket.
_SECRET_PATH = re.compile(r"(/(?:setup|welcome|guest)/)[^/\s?]+")


def hide_secrets(logger: object, method: str, event: EventDict) -> EventDict:
    """Remove the tokens of secret links from a log event; a structlog processor."""
    for name, value in event.items():
        if isinstance(value, str) and "/" in value:
            event[name] = _SECRET_PATH.sub(r"\1…", value)
    return event


def run_or_log(job: str, call: Callable[[], bool], **context: object) -> bool:
    """Return what ``call`` returns; log any exception and return False.

    For jobs that process many rows, where one failure must not stop the others. ``call`` rolls its
    own transaction back.
    """
    try:
        return call()
    except Exception:
        log.exception("row_failed", job=job, **context)
        return False
