"""Calls that may hang (a model, a frozen database): each has a budget, and only so many run."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class BusyError(Exception):
    """Every thread is taken, perhaps by a model that hangs. Nothing was started."""


class Bounded:
    """A few daemon threads, so that what hangs never holds a request or the end of the process."""

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._free = threading.BoundedSemaphore(threads)

    def run(
        self, call: Callable[[], T], *, seconds: float, late: Callable[[T], object] | None = None
    ) -> T:
        """What ``call`` returns or raises.

        Raises BusyError at once when no thread is free, and TimeoutError after ``seconds``;
        the call then goes on behind, and keeps its thread until it ends. What it returns then is
        given to ``late``, in its thread.
        """
        if not self._free.acquire(blocking=False):
            raise BusyError(f"no free thread for {self._name}")
        future: Future[T] = Future()
        context = contextvars.copy_context()  # the request id goes along into the log

        def work() -> None:
            try:
                _keep(future, context, call, late)
            finally:
                self._free.release()

        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError:  # the machine has no thread left
            self._free.release()
            raise
        try:
            return future.result(timeout=seconds)
        except TimeoutError:
            if future.cancel():
                raise
            return future.result()  # it ended at this very moment


def _keep(
    future: Future[T],
    context: contextvars.Context,
    call: Callable[[], T],
    late: Callable[[T], object] | None,
) -> None:
    """The result goes to whoever waits, else to ``late``: never to both, never to nobody."""
    try:
        result = context.run(call)
    except BaseException as error:
        if future.set_running_or_notify_cancel():
            future.set_exception(error)
        return
    if future.set_running_or_notify_cancel():
        future.set_result(result)
    elif late:
        context.run(late, result)
