"""Runs a Python command in a network namespace of its own, with no way out of it:
``python3 -m tests.apart launcher.py test tests/test_story.py``. Fails when something left.
"""

import subprocess
import sys

from appliance.launcher import network_namespace
from appliance.launcher.errors import LauncherError

if __name__ == "__main__":
    try:
        watch = network_namespace.enter()
    except LauncherError as error:
        sys.exit(f"Not run: {error}")
    watch.begin()
    status = subprocess.run([sys.executable, *sys.argv[1:]]).returncode
    attempts = watch.attempts()
    if attempts:
        print("Tried to leave:", *attempts, sep="\n  ", file=sys.stderr)
    sys.exit(status or bool(attempts))
