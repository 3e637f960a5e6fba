"""The launcher's voice: plain lines, at once, and never an error of its own."""

import contextlib
import sys


def say(line: str) -> None:
    """Print one line; a terminal that has gone away is no reason to stop the desk."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def warn(line: str) -> None:
    """One line on standard error, for what is wrong but does not stop the desk."""
    with contextlib.suppress(OSError, ValueError):
        print(f"Warning: {line}", file=sys.stderr, flush=True)
