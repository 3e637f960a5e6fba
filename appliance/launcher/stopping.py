"""Ctrl-C and SIGTERM: the first one stops the desk in order, later ones change nothing."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from appliance.launcher.terminal import say

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody asked the launcher to stop. Not an error, so no handler of errors swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def on_signal() -> Iterator[None]:
    """Inside, the first signal raises StopRequested; from then on signals are only answered."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _first)
    yield


def _first(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, _later)
    raise StopRequested(number)


def _later(number: int, frame: FrameType | None) -> None:
    say("Still stopping; the database is being closed properly ...")
