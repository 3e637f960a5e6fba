"""What may be in a log: numbers, names of programs and errors, never what somebody typed."""

import re
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import structlog
from django.db import OperationalError
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware
from structlog.typing import EventDict

log = structlog.get_logger(__name__)
# Anyone who knows this part of the URL may set up the site, set a password or read a ticket.
_SECRET_PATH = re.compile(r"(/(?:setup|welcome|guest|confirm)/)[^/\s?]+")
_QUERY_STRING = re.compile(r"(/[^\s?]*)\?\S*")
# Errors of the machine, whose messages name files and servers. All others may quote a value.
_ERRORS_OF_THE_MACHINE = (OSError, ImportError, MemoryError, OperationalError)


class RequestLogMiddleware(RequestMiddleware):
    """Log each request by method and path: words that somebody searches are in the query string."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """Log the address of the client. The inherited method believes headers anybody can send."""
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR"))

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"


def hide_secrets(logger: object, method: str, event: EventDict) -> EventDict:
    """Remove query strings and the tokens of secret links from a log event; a processor."""
    for name, value in event.items():
        if isinstance(value, str) and "/" in value and name != "exception":
            event[name] = _SECRET_PATH.sub(r"\1…", _QUERY_STRING.sub(r"\1", value))
    if str(event.get("logger", "")).startswith("django.security."):  # it quotes what was sent
        event["event"] = "refused"
    return event


def format_exception(
    exc_info: tuple[type[BaseException], BaseException, TracebackType | None],
) -> str:
    """Return where an exception was raised, without values of variables and without its message.

    Messages quote values: the key that is not unique, the text that is no number.
    """
    return "\n".join(_format_chain(exc_info[1]))


def _format_chain(error: BaseException) -> list[str]:
    """Return the lines of the causes and of the error, as Python orders them."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [*_format_chain(cause), "Then:"] if cause else []
    lines += [
        f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}{_safe_message(error)}")
    return lines


def _safe_message(error: BaseException) -> str:
    if not isinstance(error, _ERRORS_OF_THE_MACHINE):
        return ""
    first_line = str(error).partition("\n")[0]
    return f": {first_line}" if first_line else ""


def run_or_log(job: str, call: Callable[[], bool], **context: Any) -> bool:
    """Return what ``call`` returns; log any exception and return False.

    For jobs that process many rows, where one failure must not stop the others. ``call`` rolls its
    own transaction back.
    """
    try:
        return call()
    except Exception:
        log.exception("row_failed", job=job, **context)
        return False
