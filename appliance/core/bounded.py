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

    def run(self, call: Callable[[], T], *, seconds: float) -> T:
        """What ``call`` returns or raises.

        Raises BusyError at once when no thread is free, and TimeoutError after ``seconds``;
        the call then goes on behind, and keeps its thread until it ends.
        """
        if not self._free.acquire(blocking=False):
            raise BusyError(f"no free thread for {self._name}")
        future: Future[T] = Future()
        context = contextvars.copy_context()  # the request id goes along into the log

        def work() -> None:
            try:
                future.set_result(context.run(call))
            except BaseException as error:
                future.set_exception(error)
            finally:
                self._free.release()

        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError:  # the machine has no thread left
            self._free.release()
            raise
        return future.result(timeout=seconds)
