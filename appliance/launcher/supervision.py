"""supervisord: its configuration, and its life inside a ``with``.

It keeps the four programs up, rotates their logs and stops them in order. It is tied to the
launcher: whichever way the launcher ends, the kernel tells supervisord to stop.
"""

import base64
import contextlib
import hashlib
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.launcher import credentials, orphans, postgres, subprocesses, valkey
from appliance.launcher.errors import LauncherError, with_log_tail
from appliance.launcher.files import ensure_content
from appliance.launcher.layout import Installation
from appliance.launcher.supervisor_client import Supervisor

START_LIMIT_SECONDS = 20
STOP_LIMIT_SECONDS = 120

SUPERVISORD = """\
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

PROGRAM = """
[program:{name}]
command={command}
directory={code}
priority={priority}
autostart={autostart}
autorestart=true
startsecs=2
startretries=10
stopsignal={signal}
stopwaitsecs={patience}
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=5
"""


@dataclass(frozen=True)
class Program:
    """One supervised program. Programs start in this order of priority and stop in reverse."""

    name: str
    command: list[str]
    priority: int
    signal: str
    patience_seconds: int
    autostart: bool


def programs(installation: Installation) -> list[Program]:
    """The programs of this desk; the Python ones wait until the database is prepared."""
    django = [str(installation.python), "-m", "django"]
    rows = []
    if installation.has_own_database:
        rows.append(
            Program("postgres", postgres.command(installation), 10, "INT", 60, autostart=True)
        )
    if installation.has_own_cache:
        rows.append(Program("valkey", valkey.command(installation), 20, "TERM", 10, autostart=True))
    if installation.works and not installation.testing:
        rows.append(Program("worker", [*django, "work"], 30, "TERM", 8, autostart=False))
    if installation.serves and not installation.testing:
        web = [str(installation.python), "-m", "appliance.launcher.web"]
        rows.append(Program("web", web, 40, "INT", 15, autostart=False))
    return rows


def ensure_config(installation: Installation) -> Path:
    """Write supervisord's configuration. Secrets stay out of it: programs inherit them as files."""
    password = credentials.read(installation, "supervisor").encode()
    digest = hashlib.sha1(password, usedforsecurity=False).hexdigest()  # the only form it knows
    text = SUPERVISORD.format(sockets=_plain(installation.sockets), password=digest)
    for program in programs(installation):
        text += PROGRAM.format(
            name=program.name,
            command=_plain(
                shlex.join(
                    subprocesses.tied_to_parent(installation, program.signal, program.command)
                )
            ),
            priority=program.priority,
            autostart=str(program.autostart).lower(),
            signal=program.signal,
            patience=program.patience_seconds,
            code=_plain(installation.code),
        )
    ensure_content(installation.run / "supervisord.conf", text)
    return installation.run / "supervisord.conf"


def _plain(value: object) -> str:
    return str(value).replace("%", "%%")


@contextlib.contextmanager
def running(installation: Installation) -> Iterator[Supervisor]:
    """supervisord and the servers, for as long as the ``with`` lasts; stopped in order after it."""
    orphans.ensure_none(installation)
    config = ensure_config(installation)
    # -P: the data directory is where it runs, not where it imports from
    command = [
        str(installation.python),
        "-P",
        "-m",
        "supervisor.supervisord",
        "-n",
        "-c",
        str(config),
    ]
    log = installation.logs / "supervisord.out"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            subprocesses.tied_to_parent(installation, "TERM", command),
            cwd=installation.data,
            env=subprocesses.environment(installation),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the launcher, which stops things in order
        )
    try:
        supervisor = connect(installation)
        _wait_until_it_answers(supervisor, process, log)
        yield Supervisor(supervisor.socket, supervisor.authorization, process)
    finally:
        _stop(process)


def connect(installation: Installation) -> Supervisor:
    """A way to talk to the supervisor of this desk, running or not."""
    password = credentials.read(installation, "supervisor")
    token = base64.b64encode(f"skerry:{password}".encode()).decode()
    return Supervisor(installation.sockets / "supervisor.sock", f"Basic {token}")


def _wait_until_it_answers(
    supervisor: Supervisor, process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while not supervisor.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise with_log_tail("The supervisor could not be started.", log)
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait for the last request and the last checkpoint, and only then insist."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise LauncherError(
            f"The desk did not stop within {STOP_LIMIT_SECONDS} s and was killed; "
            "the database recovers at the next start."
        ) from None
