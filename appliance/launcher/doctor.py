"""The command doctor: what Skerry needs from this machine, one line each, with a remedy."""

import hashlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance import disks
from appliance.launcher import (
    datadir,
    disk_watch,
    environment,
    machine,
    network,
    postgres,
    privileges,
    runner,
)
from appliance.launcher.files import read_json
from appliance.launcher.layout import Installation, is_set_in_environment
from appliance.launcher.terminal import LauncherError, say

GB = 1024  # in megabytes
MIN_MEMORY_MB, RECOMMENDED_MEMORY_MB = 700, 1500
RECOMMENDED_DISK_MB = 2 * GB
WITHOUT_MODELS = "until then tickets are not classified; everything else works."


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    level: str  # "ok", "warn" or "fail"
    name: str
    text: str


Check = Callable[[Installation], Iterator[Finding]]


def run_checks(installation: Installation) -> int:
    """Print every finding and return 1 if one of them prevents Skerry from working."""
    findings = [finding for check in MACHINE_CHECKS for finding in check(installation)]
    if privileges.drop_root_if_possible():
        findings += [finding for check in DATA_CHECKS for finding in check(installation)]
    else:
        findings.append(
            Finding("ok", "data", f"no desk was started as root yet ({installation.data})")
        )
    for finding in findings:
        say(f"{finding.level:<5} {finding.name:<12} {finding.text}")
    return 1 if any(finding.level == "fail" for finding in findings) else 0


def _python(installation: Installation) -> Iterator[Finding]:
    yield Finding("ok", "python", f"{platform.python_version()} at {sys.executable}")


def _environment(installation: Installation) -> Iterator[Finding]:
    obstacle = environment.obstacle(installation)
    if environment.is_installed(installation):
        yield Finding("ok", "packages", "installed as locked")
    elif obstacle:
        yield Finding("fail", "packages", obstacle)
    elif (installation.code / "wheels").is_dir():
        yield Finding("ok", "packages", "will be installed from wheels/ at the next start")
    else:
        text = "will be installed at the next start, from the configured index (or from wheels/)"
        yield Finding("warn", "packages", text)


def _memory(installation: Installation) -> Iterator[Finding]:
    with open("/proc/meminfo", encoding="ascii") as stream:
        sizes = {line.split(":")[0]: int(line.split()[1]) // 1024 for line in stream}
    total, available = sizes["MemTotal"], sizes.get("MemAvailable", sizes["MemFree"])
    text = f"{total} MB, {available} MB free"
    if total < MIN_MEMORY_MB:
        remedy = f"the desk needs {MIN_MEMORY_MB} MB: use a bigger machine"
        yield Finding("fail", "memory", f"{text}; {remedy}")
    elif total < RECOMMENDED_MEMORY_MB:
        yield Finding("warn", "memory", f"{text}; {RECOMMENDED_MEMORY_MB} MB is comfortable")
    else:
        yield Finding("ok", "memory", text)


def _processor(installation: Installation) -> Iterator[Finding]:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
        flag_lines = [line for line in stream if line.startswith(("flags", "Features"))]
    flags = {flag for line in flag_lines for flag in line.split()}
    cores = machine.cores()
    if flags & {"avx512_vnni", "avx_vnni", "asimddp"}:
        yield Finding("ok", "processor", f"{cores} cores with int8 instructions")
    elif flags & {"avx2", "asimd"}:
        yield Finding("ok", "processor", f"{cores} cores with AVX2; VNNI would be faster")
    else:
        text = f"{cores} cores without AVX2: the models run, slowly; a newer processor helps"
        yield Finding("warn", "processor", text)


def _models(installation: Installation) -> Iterator[Finding]:
    active = read_json(installation.models / "active.json")
    if not active:
        text = f"none in {installation.models}: put the models folder of the release there"
        yield Finding("warn", "models", f"{text}; {WITHOUT_MODELS}")
    for role, bundle in sorted(active.items()):
        bundle_error = _bundle_error(installation.models / str(bundle))
        if bundle_error:
            remedy = "put this bundle of the release back"
            yield Finding("warn", role, f"{bundle}: {bundle_error}; {remedy}; {WITHOUT_MODELS}")
        else:
            yield Finding("ok", role, f"{bundle}, all files as released")


def _bundle_error(folder: Path) -> str | None:
    """Compare files with digests; the application also checks the golden outputs."""
    files = read_json(folder / "bundle.json").get("files")
    if not isinstance(files, dict) or not files:
        return "bundle.json is missing or lists no files"
    for name, digest in files.items():
        try:
            with (folder / name).open("rb") as stream:
                actual = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            return f"{name} cannot be read ({error.strerror})"
        if actual != digest:
            return f"{name} is not the released file"
    return None


def _hosts(installation: Installation) -> Iterator[Finding]:
    if hosts_warning := network.hosts_warning(installation):
        yield Finding("warn", "hosts", hosts_warning)


def _disk(installation: Installation) -> Iterator[Finding]:
    if not _can_look(installation):
        return  # the check of the data says so
    checked_disks = disk_watch.list_disks(installation)
    if datadir.exists(installation) and not installation.cluster.exists():
        checked_disks.append(disks.check(installation.data, installation.min_free_mb))
    if bad_disks := [disk for disk in checked_disks if not disk.is_writable]:
        yield from (Finding("fail", "disk", disks.describe(disk)) for disk in bad_disks)
        return
    free = datadir.free_mb(installation.data)
    if free < datadir.FIRST_START_MB:
        yield Finding("fail", "disk", f"{free} MB free for {installation.data}: free some space")
    elif free < RECOMMENDED_DISK_MB:
        yield Finding("warn", "disk", f"{free} MB free for {installation.data}: soon too little")
    else:
        yield Finding("ok", "disk", f"{free // GB} GB free for {installation.data}")


def _data(installation: Installation) -> Iterator[Finding]:
    try:
        if not datadir.exists(installation):
            yield Finding("ok", "data", f"{installation.data} will be made at the first start")
            return
        datadir.ensure_owned(installation)
        datadir.ensure_version(installation)
        postgres.ensure_same_version(installation)
    except LauncherError as error:
        yield Finding("fail", "data", str(error))
        return
    running = "a desk runs on it" if datadir.lock_holder(installation) else "no desk runs on it"
    yield Finding("ok", "data", f"{installation.data}; {running}")


def _port(installation: Installation) -> Iterator[Finding]:
    if _is_running(installation):
        address = runner.as_running(installation).address
        yield Finding("ok", "port", f"{address} is served by this desk")
        return
    if port_error := network.port_error(installation):
        yield Finding("fail", "port", port_error)
    else:
        yield Finding("ok", "port", f"{installation.bind}:{installation.port} is free")


def _can_look(installation: Installation) -> bool:
    try:
        datadir.exists(installation)
    except LauncherError:
        return False
    return True


def _clock(installation: Installation) -> Iterator[Finding]:
    if clock_warning := datadir.clock_warning(installation):
        yield Finding("warn", "clock", clock_warning)
    else:
        yield Finding("ok", "clock", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))


def _is_running(installation: Installation) -> bool:
    return _can_look(installation) and bool(datadir.lock_holder(installation))


def _versions(installation: Installation) -> Iterator[Finding]:
    version_file = installation.data / datadir.VERSION_FILE
    data = "no data yet"
    if os.access(version_file, os.R_OK):
        data = f"data of {read_json(version_file).get('skerry', '?')}"
    yield Finding("ok", "versions", f"Skerry {installation.version}, {data}")
    for name, server in (("DATABASE_URL", "PostgreSQL"), ("REDIS_URL", "Redis")):
        if is_set_in_environment(name):
            yield Finding("ok", server.lower(), f"external, from {name}")


MACHINE_CHECKS: tuple[Check, ...] = (
    _python,
    _environment,
    _memory,
    _processor,
    _models,
    _hosts,
)
DATA_CHECKS: tuple[Check, ...] = (_disk, _data, _clock, _port, _versions)
