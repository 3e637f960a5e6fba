"""supervisord: its configuration, its start and its stop.

It restarts the programs, rotates their logs and stops them in order. However the launcher
ends, the kernel signals supervisord to stop (parent_death_signal.py).
"""

import base64
import contextlib
import hashlib
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from appliance.launcher import (
    credentials,
    datadir,
    front,
    orphans,
    postgres,
    subprocesses,
    valkey,
)
from appliance.launcher.files import ensure_content
from appliance.launcher.layout import Installation
from appliance.launcher.supervisor_client import Supervisor
from appliance.launcher.terminal import LauncherError, warn, with_log_tail

START_TIMEOUT_SECONDS = 20
STOP_TIMEOUT_SECONDS = 120

SUPERVISORD_CONFIG = """\
; Written by the launcher at every start. Relative paths start at the data directory.
[supervisord]
nodaemon=true
silent=true
umask=077
identifier=skerry
logfile=logs/supervisord.log
logfile_maxbytes=2MB
logfile_backups=3
pidfile=run/supervisord.pid

[unix_http_server]
file={sockets}/supervisor.sock
chmod=0700
username=skerry
password={{SHA}}{password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAM_CONFIG = """
[program:{name}]
command={command}
directory={code}
priority={priority}
autostart={autostart}
autorestart=true
startsecs=2
startretries=10
stopsignal={signal}
stopwaitsecs={stop_seconds}
redirect_stderr=true
stdout_logfile=logs/{log}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=5
"""


@dataclass(frozen=True)
class Program:
    """One supervised program. Programs start in the order of priority and stop in reverse."""

    name: str
    command: list[str]
    priority: int
    signal: str
    stop_seconds: int
    autostart: bool

    @property
    def log(self) -> str:
        """Return the name of its log, which web-1, web-2 and so on share."""
        return self.name.partition("-")[0]


def list_programs(installation: Installation) -> list[Program]:
    """Return the programs of this role; the Python ones start after the database is prepared."""
    django = [str(installation.python), "-m", "django"]
    programs = []
    if installation.has_own_database:
        programs.append(
            Program("postgres", postgres.command(installation), 10, "INT", 60, autostart=True)
        )
    if installation.has_own_cache:
        programs.append(
            Program("valkey", valkey.command(installation), 20, "TERM", 10, autostart=True)
        )
    if installation.runs_worker and not installation.testing:
        programs.append(Program("worker", [*django, "work"], 30, "TERM", 8, autostart=False))
    if installation.runs_web and not installation.testing:
        for name, socket in front.web_sockets(installation).items():
            serve = [*django, "serve", "--socket", str(socket)]
            programs.append(Program(name, serve, 40, "INT", 15, autostart=False))
        # It stops first, when it has passed on the last answers.
        programs.append(
            Program("front", front.command(installation), 50, "TERM", 15, autostart=False)
        )
    return programs


def ensure_config(installation: Installation) -> Path:
    """Write supervisord's configuration, which contains no secrets of the programs."""
    password = credentials.read(installation, "supervisor").encode()
    digest = hashlib.sha1(
        password, usedforsecurity=False
    ).hexdigest()  # the only hash supervisord supports
    text = SUPERVISORD_CONFIG.format(sockets=_escaped(installation.sockets), password=digest)
    for program in list_programs(installation):
        command = subprocesses.tied_to_parent(installation, program.signal, program.command)
        text += PROGRAM_CONFIG.format(
            name=program.name,
            log=program.log,
            command=_escaped(shlex.join(command)),
            priority=program.priority,
            autostart=str(program.autostart).lower(),
            signal=program.signal,
            stop_seconds=program.stop_seconds,
            code=_escaped(installation.code),
        )
    ensure_content(installation.run / "supervisord.conf", text)
    return installation.run / "supervisord.conf"


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def ensure_servers(installation: Installation) -> None:
    """Create what the servers need to start: secrets, the database cluster, configurations."""
    if clock_warning := datadir.clock_warning(installation):
        warn(clock_warning)
    credentials.ensure_secrets(installation)
    postgres.ensure_cluster(installation)
    valkey.ensure_config(installation)
    front.ensure_config(installation)


@contextlib.contextmanager
def running_servers(installation: Installation) -> Iterator[Supervisor]:
    """Run supervisord and the servers inside the block, and stop them in order after it."""
    orphans.ensure_stopped(installation)
    config = ensure_config(installation)
    # -P: do not import from the working directory, which is the data directory.
    command = [
        str(installation.python),
        "-P",
        "-m",
        "appliance.launcher.supervisord",
        "-n",
        "-c",
        str(config),
    ]
    log = installation.logs / "supervisord.out"
    with open_or_discard(log) as output:
        process = subprocess.Popen(  # noqa: S603
            subprocesses.tied_to_parent(installation, "TERM", command),
            cwd=installation.data,
            env=subprocesses.environment(installation),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C must reach the launcher only
        )
    try:
        supervisor = connect(installation)
        _wait_until_ready(supervisor, process, log)
        yield Supervisor(supervisor.socket, supervisor.authorization, process)
    finally:
        _stop(process)


def open_or_discard(log: Path) -> IO[bytes]:
    """Open a log for writing; discard the output when the disk of the logs cannot be written."""
    try:
        return log.open("wb")
    except OSError:
        return open(os.devnull, "wb")


def connect(installation: Installation) -> Supervisor:
    """Return a client for the supervisor of this installation, running or not."""
    password = credentials.read(installation, "supervisor")
    token = base64.b64encode(f"skerry:{password}".encode()).decode()
    return Supervisor(installation.sockets / "supervisor.sock", f"Basic {token}")


def _wait_until_ready(supervisor: Supervisor, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not supervisor.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise with_log_tail("The supervisor could not be started.", log)
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate supervisord and wait for the last requests and checkpoint, then kill it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise LauncherError(
            f"The desk did not stop within {STOP_TIMEOUT_SECONDS} s and was killed; "
            "the database recovers at the next start."
        ) from None
