"""Run the launcher and end it with kill -9 at a named place: ``cut.py WHERE COUNT LAUNCHER ...``.

WHERE is a function of appliance.launcher, "upgrade._note" say. The COUNTth call of it is carried
out and followed by the end, as a power cut would follow.
"""

import functools
import importlib
import os
import runpy
import signal
import sys
from pathlib import Path

_, where, count, launcher, *arguments = sys.argv
sys.path.insert(0, str(Path(launcher).parent))
sys.argv = [launcher, *arguments]
module_name, _, name = where.rpartition(".")
module = importlib.import_module(f"appliance.launcher.{module_name}")
function = getattr(module, name)
calls = 0


@functools.wraps(function)
def cut(*given: object, **named: object) -> object:
    global calls
    answer = function(*given, **named)
    calls += 1
    if calls == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


setattr(module, name, cut)
runpy.run_path(launcher, run_name="__main__")
