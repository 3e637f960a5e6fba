"""The old version and the new one: which data they share, and whether one may follow the other."""

import re
from dataclasses import replace
from pathlib import Path

from appliance.launcher import backup, datadir, manifest, postgres, service
from appliance.launcher.errors import LauncherError
from appliance.launcher.files import read_text
from appliance.launcher.layout import Installation


def old_desk(installation: Installation, code: Path) -> Installation:
    """The old version: whole, not newer than this one, and somewhere else."""
    code = code.resolve()
    old = replace(installation, code=code)
    if code == installation.code:
        raise LauncherError(
            f"{code} is this Skerry itself: --from names the folder of the old one."
        )
    manifest.ensure_whole(old)
    version = version_of(code)
    if datadir.as_numbers(version) > datadir.as_numbers(installation.version):
        raise LauncherError(
            f"{code} is Skerry {version}, newer than this one ({installation.version})."
        )
    return old


def version_of(code: Path) -> str:
    """The version a folder of code says it is; nothing of it is run."""
    text = read_text(code / "appliance" / "__init__.py") or ""
    match = re.search(r'^VERSION = "([0-9.]+)"$', text, re.MULTILINE)
    if not match or not (code / "launcher.py").exists():
        raise LauncherError(f"{code} is no folder of Skerry: --from names where the old one is.")
    return match[1]


def with_data(
    installation: Installation, old: Installation, is_data_given: bool
) -> tuple[Installation, Installation]:
    """The desk before and after. Only data that lies inside the old code is moved."""
    served = service.installed()
    codes = (old.code, installation.code)
    if served and (served.data == installation.data if is_data_given else served.code in codes):
        return replace(served, code=installation.code), replace(served, code=old.code)
    if is_data_given:
        return installation, replace(old, data=installation.data)
    before, after = old.code / "var", installation.code / "var"
    if before.exists() and after.exists():
        raise LauncherError(f"{before} and {after} both hold data: say which is meant with --data.")
    return replace(installation, data=after), replace(
        old, data=before if before.exists() else after
    )


def ensure_possible(here: Installation) -> None:
    if not here.has_own_database or not (here.cluster / "PG_VERSION").exists():
        raise LauncherError(
            f"{here.data} holds no database of the desk's own: back up the server it uses, stop "
            "the desk, then start the new one."
        )
    datadir.ensure_version(here)
    postgres.ensure_same_version(here)
    # the backup, the copy that would be put back, and what migrating writes
    needed = 2 * backup.size_mb(here) + datadir.FIRST_START_MB
    free = datadir.free_mb(here.data)
    if free < needed:
        raise LauncherError(
            f"The disk that holds {here.data} has {free} MB free and the upgrade needs {needed} MB "
            "for a backup it can go back to: free some space first."
        )
