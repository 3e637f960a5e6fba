"""Restart a benchmark in the environment of this checkout. Imported before any library.

In a fresh clone the environment is installed first, which takes minutes and is not measured.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"


def enter() -> None:
    """Install the environment and become its Python, unless this is it."""
    if Path(sys.prefix).resolve() == ENVIRONMENT.resolve():
        return
    install()
    python = str(ENVIRONMENT / "bin" / "python")
    os.execv(python, [python, *sys.orig_argv[1:]])  # noqa: S606


def install() -> None:
    """Install what is missing; wait while another process does."""
    subprocess.run([sys.executable, str(ROOT / "launcher.py"), "install"], check=True)


enter()
