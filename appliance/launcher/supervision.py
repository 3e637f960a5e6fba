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

from appliance.launcher import children, credentials, leftovers, postgres, valkey
from appliance.launcher.control import Supervisor
from appliance.launcher.errors import BoxError, with_log_tail
from appliance.launcher.files import ensure_content
from appliance.launcher.layout import Box

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


def programs(box: Box) -> list[Program]:
    """The programs of this desk; the Python ones wait until the database is prepared."""
    django = [str(box.python), "-m", "django"]
    wanted = []
    if box.has_own_database:
        wanted.append(Program("postgres", postgres.command(box), 10, "INT", 60, autostart=True))
    if box.has_own_cache:
        wanted.append(Program("valkey", valkey.command(box), 20, "TERM", 10, autostart=True))
    if box.works and not box.testing:
        wanted.append(Program("worker", [*django, "work"], 30, "TERM", 8, autostart=False))
    if box.serves and not box.testing:
        web = [str(box.python), "-m", "appliance.launcher.web"]
        wanted.append(Program("web", web, 40, "INT", 15, autostart=False))
    return wanted


def ensure_config(box: Box) -> Path:
    """Write supervisord's configuration. Secrets stay out of it: programs inherit them as files."""
    password = credentials.read(box, "supervisor").encode()
    digest = hashlib.sha1(password, usedforsecurity=False).hexdigest()  # the only form it knows
    text = SUPERVISORD.format(sockets=_plain(box.sockets), password=digest)
    for program in programs(box):
        text += PROGRAM.format(
            name=program.name,
            command=_plain(shlex.join(children.tethered(box, program.signal, program.command))),
            priority=program.priority,
            autostart=str(program.autostart).lower(),
            signal=program.signal,
            patience=program.patience_seconds,
            code=_plain(box.code),
        )
    ensure_content(box.run / "supervisord.conf", text)
    return box.run / "supervisord.conf"


def _plain(value: object) -> str:
    return str(value).replace("%", "%%")


@contextlib.contextmanager
def running(box: Box) -> Iterator[Supervisor]:
    """supervisord and the servers, for as long as the ``with`` lasts; stopped in order after it."""
    leftovers.ensure_none(box)
    config = ensure_config(box)
    # -P: the data directory is where it runs, not where it imports from
    command = [str(box.python), "-P", "-m", "supervisor.supervisord", "-n", "-c", str(config)]
    log = box.logs / "supervisord.out"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            children.tethered(box, "TERM", command),
            cwd=box.data,
            env=children.environment(box),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the launcher, which stops things in order
        )
    try:
        supervisor = connect(box)
        _wait_until_it_answers(supervisor, process, log)
        yield Supervisor(supervisor.socket, supervisor.authorization, process)
    finally:
        _stop(process)


def connect(box: Box) -> Supervisor:
    """A way to talk to the supervisor of this desk, running or not."""
    password = credentials.read(box, "supervisor")
    token = base64.b64encode(f"skerry:{password}".encode()).decode()
    return Supervisor(box.sockets / "supervisor.sock", f"Basic {token}")


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
        raise BoxError(
            f"The desk did not stop within {STOP_LIMIT_SECONDS} s and was killed; "
            "the database recovers at the next start."
        ) from None
