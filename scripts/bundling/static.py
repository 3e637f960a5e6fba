"""The static files, collected, hashed and compressed by the packages the bundle carries.

They are made in an environment filled from its wheels alone, so what lies in the environment of
whoever builds changes nothing. That environment is made for this and taken away again.
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
    """Fill ``static/`` of an unpacked bundle."""
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
                "SECRET_KEY": "collecting needs none, the settings want one",
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
                "REDIS_URL": "redis://127.0.0.1:1/0",
            }
            _run(root, [str(root / ".venv" / "bin" / "python"), "-c", code], **environment)
            shutil.copytree(Path(data) / FOLDER, root / FOLDER)
    finally:
        shutil.rmtree(root / ".venv", ignore_errors=True)
    for left in [*root.rglob("__pycache__")]:
        shutil.rmtree(left)


def _run(root: Path, command: list[str], **environment: str) -> None:
    given = {**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, check=True, capture_output=True, cwd=root, env=given)
