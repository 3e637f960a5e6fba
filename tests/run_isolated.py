"""Run a Python command in a network namespace of its own, which has no route to other machines.

``python3 -m tests.run_isolated launcher.py test tests/test_acceptance.py`` fails when a process
tried to reach another machine.
"""

import subprocess
import sys

from appliance.launcher import network_namespace
from appliance.launcher.terminal import LauncherError

if __name__ == "__main__":
    try:
        monitor = network_namespace.enter()
    except LauncherError as error:
        sys.exit(f"Not run: {error}")
    monitor.start()
    status = subprocess.run([sys.executable, *sys.argv[1:]]).returncode
    attempts = monitor.attempts()
    if attempts:
        print("Tried to reach other machines:", *attempts, sep="\n  ", file=sys.stderr)
    sys.exit(status or bool(attempts))
