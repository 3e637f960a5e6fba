"""Run a command that is told to stop when the process that started it dies.

    python parent_death_signal.py INT postgres -D ...

Without it, kill -9 of the supervisor (or of the launcher) would leave servers behind that hold
the port and the data directory. The kernel sends the signal, so nothing has to be watched.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Arm the signal, then become the command."""
    _, name, command, *arguments = sys.argv
    stop_signal = getattr(signal, f"SIG{name}")
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0):
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if stop_signal != signal.SIGKILL:
        signal.signal(stop_signal, signal.SIG_DFL)  # a shell's "&" has Ctrl-C ignored, by heirs too
    os.execv(command, [command, *arguments])  # noqa: S606


if __name__ == "__main__":
    main()
