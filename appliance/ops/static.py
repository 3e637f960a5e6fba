"""The static files of the desk: collected, hashed and compressed once for each set of sources."""

import hashlib
import shutil
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

STAMP = "collected-from"
# Variants and source maps of the packaged browser libraries that no page uses.
UNUSED = [
    "*.map",
    "*.rtl.*",
    "bootstrap-grid*",
    "bootstrap-reboot*",
    "*utilities*",
    "*.esm.*",
    "*.scss",
    "bootstrap-icons.json",
    "bootstrap-icons/*.svg",
    "htmax*",
    "htmx-4*",
    "ext",
    "chartkick.js",
]


def ensure_collected() -> None:
    """STATIC_ROOT holds what the pages need; a second call changes nothing.

    A bundle carries them, compressed as well as can be; those made of other sources than the ones
    installed here are left alone.
    """
    expected = _fingerprint()
    if _made_from(settings.STATIC_ROOT) == expected:
        return
    (settings.STATIC_ROOT / STAMP).unlink(missing_ok=True)
    if _made_from(settings.CARRIED_STATIC) == expected:
        without_stamp = shutil.ignore_patterns(STAMP)
        shutil.copytree(
            settings.CARRIED_STATIC,
            settings.STATIC_ROOT,
            ignore=without_stamp,
            copy_function=shutil.copyfile,
            dirs_exist_ok=True,
        )
    else:
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED)
    (settings.STATIC_ROOT / STAMP).write_text(expected)


def _made_from(folder: Path) -> str | None:
    try:
        return (folder / STAMP).read_text()
    except OSError:
        return None


def _fingerprint() -> str:
    """Of names and contents, so that it is the same on the machine that built the bundle."""
    values = {
        str(path): storage for finder in get_finders() for path, storage in finder.list(UNUSED)
    }
    digest = hashlib.sha256(settings.SKERRY_VERSION.encode())
    for path in sorted(values):
        with values[path].open(path) as stream:
            content = hashlib.sha256(stream.read()).hexdigest()
        digest.update(f"{content}  {path}\n".encode())
    return digest.hexdigest()
