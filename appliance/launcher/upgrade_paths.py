"""The old and the new installation of an upgrade, their data, and the preconditions."""

import re
from dataclasses import replace
from pathlib import Path

from appliance.launcher import backup, datadir, manifest, postgres, service
from appliance.launcher.files import read_text
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError


def old_installation(installation: Installation, code: Path) -> Installation:
    """Return the installation in ``code``. Refuse this one, a changed or a newer one."""
    code = code.resolve()
    old = replace(installation, code=code)
    if code == installation.code:
        raise LauncherError(
            f"{code} is this Skerry itself: --from names the folder of the old one."
        )
    manifest.ensure_unchanged(old)
    version = version_of(code)
    if datadir.version_numbers(version) > datadir.version_numbers(installation.version):
        raise LauncherError(
            f"{code} is Skerry {version}, newer than this one ({installation.version})."
        )
    return old


def version_of(code: Path) -> str:
    """Return the version in a folder of code, without running any of it."""
    text = read_text(code / "appliance" / "__init__.py") or ""
    match = re.search(r'^VERSION = "([0-9.]+)"$', text, re.MULTILINE)
    if not match or not (code / "launcher.py").exists():
        raise LauncherError(f"{code} is no folder of Skerry: --from names where the old one is.")
    return match[1]


def with_data(
    installation: Installation, old: Installation, *, has_data_option: bool
) -> tuple[Installation, Installation]:
    """Return both with their data directories: only data inside the old code will be moved."""
    served = service.find_installed()
    codes = (old.code, installation.code)
    if served and (served.data == installation.data if has_data_option else served.code in codes):
        return replace(served, code=installation.code), replace(served, code=old.code)
    if has_data_option:
        return installation, replace(old, data=installation.data)
    before, after = old.code / "var", installation.code / "var"
    if before.exists() and after.exists():
        raise LauncherError(f"{before} and {after} both hold data: say which is meant with --data.")
    return replace(installation, data=after), replace(
        old, data=before if before.exists() else after
    )


def ensure_possible(installation: Installation) -> None:
    """Refuse an external database, newer data, another PostgreSQL, or too little disk space."""
    if not installation.has_own_database or not (installation.cluster / "PG_VERSION").exists():
        raise LauncherError(
            f"{installation.data} holds no database of the desk's own: back up the server it uses, "
            "stop the desk, then start the new one."
        )
    datadir.ensure_version(installation)
    postgres.ensure_same_version(installation)
    # the backup, the copy that a rollback makes, and what the migrations write
    needed = 2 * backup.size_mb(installation) + datadir.FIRST_START_MB
    free = datadir.free_mb(installation.data)
    if free < needed:
        raise LauncherError(
            f"The disk that holds {installation.data} has {free} MB free and the upgrade needs "
            f"{needed} MB for a backup it can go back to: free some space first."
        )
