"""Run calls that may hang (a model, a frozen database) in a limited number of threads."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class BusyError(Exception):
    """Every thread is in use, perhaps by calls that hang; nothing was started."""


class DeadlineExecutor:
    """A few daemon threads, so that a call that hangs blocks no request and no process exit."""

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._free_threads = threading.BoundedSemaphore(threads)

    def run(
        self,
        call: Callable[[], T],
        *,
        seconds: float,
        on_late_result: Callable[[T], object] | None = None,
    ) -> T:
        """Return or raise what ``call`` does, within ``seconds``.

        Raises BusyError at once when no thread is free, and TimeoutError after ``seconds``. The
        call then goes on and occupies its thread until it ends; its result is passed to
        ``on_late_result`` in that thread.
        """
        if not self._free_threads.acquire(blocking=False):
            raise BusyError(f"no free thread for {self._name}")
        future: Future[T] = Future()
        context = contextvars.copy_context()  # carries the request id into the log

        def work() -> None:
            try:
                _deliver(future, context, call, on_late_result)
            finally:
                self._free_threads.release()

        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError:  # the machine has no thread left
            self._free_threads.release()
            raise
        try:
            return future.result(timeout=seconds)
        except TimeoutError:
            if future.cancel():
                raise
            return future.result()  # it ended at this very moment


def _deliver(
    future: Future[T],
    context: contextvars.Context,
    call: Callable[[], T],
    on_late_result: Callable[[T], object] | None,
) -> None:
    """Give the result to the waiting caller or, when it has gone, to ``on_late_result``."""
    try:
        result = context.run(call)
    except BaseException as error:
        if future.set_running_or_notify_cancel():
            future.set_exception(error)
        return
    if future.set_running_or_notify_cancel():
        future.set_result(result)
    elif on_late_result:
        context.run(on_late_result, result)
