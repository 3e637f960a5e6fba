"""Run a command that gets a signal when the process that started it dies.

    python parent_death_signal.py INT postgres -D ...

Without it, kill -9 of the supervisor or launcher would leave servers running that occupy the port
and the data directory. The kernel sends the signal, so no process has to watch.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Register the signal, then replace this process with the command."""
    _, name, command, *arguments = sys.argv
    stop_signal = getattr(signal, f"SIG{name}")
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0):
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if stop_signal != signal.SIGKILL:
        signal.signal(
            stop_signal, signal.SIG_DFL
        )  # ignored after a shell's "&"; children inherit that
    os.execv(command, [command, *arguments])  # noqa: S606


if __name__ == "__main__":
    main()
