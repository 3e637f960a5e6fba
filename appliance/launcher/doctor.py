"""``doctor``: one line for everything the desk needs from this machine, with the remedy."""

import hashlib
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.launcher import datadir, environment, machine, network, postgres, privileges, runner
from appliance.launcher.errors import LauncherError
from appliance.launcher.files import read_json
from appliance.launcher.layout import Installation, named_in_environment
from appliance.launcher.terminal import say

GB = 1024  # in megabytes
NEEDED_MEMORY_MB, GOOD_MEMORY_MB = 700, 1500
GOOD_DISK_MB = 2 * GB
WITHOUT_MODELS = "until then tickets wait unsorted, and everything else works."


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    level: str  # "ok", "warn" or "fail"
    name: str
    text: str


Check = Callable[[Installation], Iterator[Finding]]


def examine(installation: Installation) -> int:
    """Print every finding; 1 when one of them keeps the desk from working."""
    findings = [finding for check in ABOUT_THE_MACHINE for finding in check(installation)]
    if privileges.give_up_root_if_possible():
        findings += [finding for check in ABOUT_THE_DATA for finding in check(installation)]
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
    if environment.is_installed(installation):
        yield Finding("ok", "packages", "installed as locked")
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
    if total < NEEDED_MEMORY_MB:
        remedy = f"the desk needs {NEEDED_MEMORY_MB} MB: use a bigger machine"
        yield Finding("fail", "memory", f"{text}; {remedy}")
    elif total < GOOD_MEMORY_MB:
        yield Finding("warn", "memory", f"{text}; {GOOD_MEMORY_MB} MB is comfortable")
    else:
        yield Finding("ok", "memory", text)


def _processor(installation: Installation) -> Iterator[Finding]:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
        words = {
            word
            for line in stream
            if line.startswith(("flags", "Features"))
            for word in line.split()
        }
    cores = machine.cores()
    if "avx512_vnni" in words or "avx_vnni" in words or "asimddp" in words:
        yield Finding("ok", "processor", f"{cores} cores with int8 instructions")
    elif "avx2" in words or "asimd" in words:
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
        wrong = _why_bundle_is_refused(installation.models / str(bundle))
        if wrong:
            remedy = "put this bundle of the release back"
            yield Finding("warn", role, f"{bundle}: {wrong}; {remedy}; {WITHOUT_MODELS}")
        else:
            yield Finding("ok", role, f"{bundle}, all files as released")


def _why_bundle_is_refused(folder: Path) -> str | None:
    """Files against digests only; the desk itself also tries the golden outputs."""
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
    if missing := network.why_hosts_are_missing(installation):
        yield Finding("warn", "hosts", missing)


def _disk(installation: Installation) -> Iterator[Finding]:
    free = datadir.free_mb(installation.data)
    if free < datadir.FIRST_START_MB:
        yield Finding("fail", "disk", f"{free} MB free for {installation.data}: free some space")
    elif free < GOOD_DISK_MB:
        yield Finding("warn", "disk", f"{free} MB free for {installation.data}: soon too little")
    else:
        yield Finding("ok", "disk", f"{free // GB} GB free for {installation.data}")


def _data(installation: Installation) -> Iterator[Finding]:
    if not datadir.exists(installation):
        yield Finding("ok", "data", f"{installation.data} will be made at the first start")
        return
    try:
        datadir.ensure_ours(installation)
        datadir.ensure_version(installation)
        postgres.ensure_same_version(installation)
    except LauncherError as error:
        yield Finding("fail", "data", str(error))
        return
    running = "a desk runs on it" if datadir.holder(installation) else "no desk runs on it"
    yield Finding("ok", "data", f"{installation.data}; {running}")


def _port(installation: Installation) -> Iterator[Finding]:
    if _runs_here(installation):
        yield Finding(
            "ok", "port", f"{runner.as_running(installation).address} is served by this desk"
        )
        return
    reason = network.why_port_is_not_free(installation)
    yield Finding(
        "fail" if reason else "ok",
        "port",
        reason or f"{installation.bind}:{installation.port} is free",
    )


def _runs_here(installation: Installation) -> bool:
    try:
        return bool(datadir.holder(installation))
    except OSError:
        return False


def _versions(installation: Installation) -> Iterator[Finding]:
    written_by = "no data yet"
    if os.access(installation.data / datadir.VERSION_FILE, os.R_OK):
        written_by = (
            f"data of {read_json(installation.data / datadir.VERSION_FILE).get('skerry', '?')}"
        )
    yield Finding("ok", "versions", f"Skerry {installation.version}, {written_by}")
    for name, server in (("DATABASE_URL", "PostgreSQL"), ("REDIS_URL", "Redis")):
        if named_in_environment(name):
            yield Finding("ok", server.lower(), f"external, from {name}")


ABOUT_THE_MACHINE: tuple[Check, ...] = (
    _python,
    _environment,
    _memory,
    _processor,
    _models,
    _hosts,
)
ABOUT_THE_DATA: tuple[Check, ...] = (_disk, _data, _port, _versions)
