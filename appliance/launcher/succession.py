"""The old version and the new one: which data they share, and whether one may follow the other."""

import re
from dataclasses import replace
from pathlib import Path

from appliance.launcher import backup, datadir, manifest, postgres, service
from appliance.launcher.errors import BoxError
from appliance.launcher.files import read_text
from appliance.launcher.layout import Box


def old_desk(box: Box, code: Path) -> Box:
    """The old version: whole, not newer than this one, and somewhere else."""
    code = code.resolve()
    old = replace(box, code=code)
    if code == box.code:
        raise BoxError(f"{code} is this Skerry itself: --from names the folder of the old one.")
    manifest.ensure_whole(old)
    version = version_of(code)
    if datadir.as_numbers(version) > datadir.as_numbers(box.version):
        raise BoxError(f"{code} is Skerry {version}, newer than this one ({box.version}).")
    return old


def version_of(code: Path) -> str:
    """The version a folder of code says it is; nothing of it is run."""
    text = read_text(code / "appliance" / "__init__.py") or ""
    found = re.search(r'^VERSION = "([0-9.]+)"$', text, re.MULTILINE)
    if not found or not (code / "launcher.py").exists():
        raise BoxError(f"{code} is no folder of Skerry: --from names where the old one is.")
    return found[1]


def with_data(box: Box, old: Box, is_data_given: bool) -> tuple[Box, Box]:
    """The desk before and after. Only data that lies inside the old code is moved."""
    served = service.installed()
    codes = (old.code, box.code)
    if served and (served.data == box.data if is_data_given else served.code in codes):
        return replace(served, code=box.code), replace(served, code=old.code)
    if is_data_given:
        return box, replace(old, data=box.data)
    before, after = old.code / "var", box.code / "var"
    if before.exists() and after.exists():
        raise BoxError(f"{before} and {after} both hold data: say which is meant with --data.")
    return replace(box, data=after), replace(old, data=before if before.exists() else after)


def ensure_possible(here: Box) -> None:
    if not here.has_own_database or not (here.cluster / "PG_VERSION").exists():
        raise BoxError(
            f"{here.data} holds no database of the desk's own: back up the server it uses, stop "
            "the desk, then start the new one."
        )
    datadir.ensure_version(here)
    postgres.ensure_same_version(here)
    # the backup, the copy that would be put back, and what migrating writes
    needed = 2 * backup.size_mb(here) + datadir.FIRST_START_MB
    free = datadir.free_mb(here.data)
    if free < needed:
        raise BoxError(
            f"The disk that holds {here.data} has {free} MB free and the upgrade needs {needed} MB "
            "for a backup it can go back to: free some space first."
        )
