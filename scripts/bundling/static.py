"""Collect, hash and compress the static files with the packages of the bundle.

This runs in a temporary environment installed from the wheels of the bundle, so the environment of
the build machine has no influence.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = "static"
COLLECT = "from appliance.ops import static_files; static_files.ensure_collected()"


def collect(root: Path) -> None:
    """Create ``static/`` in the folder of a bundle."""
    if not any((root / "wheels").glob("*.whl")):
        return  # the tests build without packages
    try:
        _run(root, [sys.executable, str(root / "launcher.py"), "install"])
        with tempfile.TemporaryDirectory() as data:
            code = f"import django; django.setup(); {COLLECT}"
            environment = {
                "DJANGO_SETTINGS_MODULE": "appliance.settings",
                "PYTHONPATH": str(root),
                "SKERRY_DATA": data,
                "SECRET_KEY": "required by the settings, not used to collect",
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
                "REDIS_URL": "redis://127.0.0.1:1/0",
            }
            _run(root, [str(root / ".venv" / "bin" / "python"), "-c", code], **environment)
            shutil.copytree(Path(data) / FOLDER, root / FOLDER)
    finally:
        shutil.rmtree(root / ".venv", ignore_errors=True)
    for cache_folder in [*root.rglob("__pycache__")]:
        shutil.rmtree(cache_folder)


def _run(root: Path, command: list[str], **environment: str) -> None:
    variables = {**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, check=True, capture_output=True, cwd=root, env=variables)
