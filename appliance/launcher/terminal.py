"""The launcher at the terminal: its output, its errors, and Ctrl-C."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

LOG_TAIL_LINES = 8
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LauncherError(Exception):
    """An expected failure. The message names cause and remedy; the launcher prints it, exit 1."""


class StopRequested(BaseException):
    """A signal asked the launcher to stop. No error, so no handler of errors catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def say(line: str) -> None:
    """Print one line at once; a closed terminal must not stop Skerry."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def warn(line: str) -> None:
    """Print one line on standard error: something is wrong, but Skerry can run."""
    with contextlib.suppress(OSError, ValueError):
        print(f"Warning: {line}", file=sys.stderr, flush=True)


def with_log_tail(message: str, log: Path) -> LauncherError:
    """Return an error with the message and the last lines of the log that explains it."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return LauncherError(message)
    tail = "\n".join(f"    {line}" for line in lines[-LOG_TAIL_LINES:])
    return LauncherError(f"{message}\nThe end of {log}:\n{tail}")


@contextlib.contextmanager
def stop_on_signal() -> Iterator[None]:
    """Raise StopRequested in the block at the first signal; later ones only print a line."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _handle_first_signal)
    yield


def _handle_first_signal(number: int, frame: FrameType | None) -> None:
    for later_number in SIGNALS:
        signal.signal(later_number, _handle_later_signal)
    raise StopRequested(number)


def _handle_later_signal(number: int, frame: FrameType | None) -> None:
    say("Still stopping; the database is being closed properly ...")
