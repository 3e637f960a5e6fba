"""What the box says when it cannot go on: one sentence with the cause, one with the remedy."""

from pathlib import Path

LOG_TAIL_LINES = 8


class LauncherError(Exception):
    """The message is for the person at the terminal; the launcher prints it and exits with 1."""


def with_log_tail(message: str, log: Path) -> LauncherError:
    """The message, followed by the last lines of the log that explains it."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return LauncherError(message)
    tail = "\n".join(f"    {line}" for line in lines[-LOG_TAIL_LINES:])
    return LauncherError(f"{message}\nThe end of {log}:\n{tail}")
