"""Run the launcher and kill it after a function: ``cut.py FUNCTION COUNT LAUNCHER ...``.

FUNCTION belongs to appliance.launcher, such as "upgrade._write_journal". After its COUNTth call the
process ends with SIGKILL, as in a power cut.
"""

import functools
import importlib
import os
import runpy
import signal
import sys
from pathlib import Path

_, function_path, count, launcher, *arguments = sys.argv
sys.path.insert(0, str(Path(launcher).parent))
sys.argv = [launcher, *arguments]
module_name, _, name = function_path.rpartition(".")
module = importlib.import_module(f"appliance.launcher.{module_name}")
function = getattr(module, name)
calls = 0


@functools.wraps(function)
def call_and_kill(*args: object, **kwargs: object) -> object:
    global calls
    result = function(*args, **kwargs)
    calls += 1
    if calls == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return result


setattr(module, name, call_and_kill)
runpy.run_path(launcher, run_name="__main__")
