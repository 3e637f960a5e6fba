"""No process reaches a machine that is not configured; each attempt is recorded."""

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from django.conf import settings

from appliance import egress_guard
from tests.real_server import run_server

OTHER_MACHINE = "192.0.2.1"  # reserved for documentation (RFC 5737)
# As sitecustomize.py of a process, it tries to connect as soon as Django is ready.
LEAK = """
import socket, threading, time
def connect():
    while True:
        time.sleep(0.2)
        from django.apps import apps
        if apps.ready:
            try:
                socket.create_connection(("192.0.2.1", 80), timeout=1)
            except OSError:
                return
threading.Thread(target=connect, daemon=True).start()
"""


def test_connections_to_other_machines_are_blocked():
    with egress_guard.recording() as attempts, socket.socket() as connection:
        with pytest.raises(egress_guard.EgressBlockedError):
            connection.connect((OTHER_MACHINE, 80))
        with pytest.raises(egress_guard.EgressBlockedError):
            socket.getaddrinfo("example.org", 80)
        with pytest.raises(egress_guard.EgressBlockedError):
            socket.gethostbyaddr(OTHER_MACHINE)
    assert attempts == [OTHER_MACHINE, "example.org", OTHER_MACHINE]


def test_blocked_connection_is_recorded_even_if_the_error_is_caught():
    with egress_guard.recording() as attempts, pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("http://example.org/", timeout=1)
    assert attempts == ["example.org"]


def test_datagrams_to_other_machines_are_blocked():
    datagrams = socket.socket(type=socket.SOCK_DGRAM)
    with egress_guard.recording(), datagrams, pytest.raises(egress_guard.EgressBlockedError):
        datagrams.sendto(b"hello", (OTHER_MACHINE, 53))


def test_host_of_the_settings_is_allowed_inside_the_block_only():
    with egress_guard.recording() as attempts:
        with egress_guard.allowing("LOCALHOST.invalid"), pytest.raises(socket.gaierror):
            socket.getaddrinfo("localhost.invalid", 80)
        with pytest.raises(egress_guard.EgressBlockedError):
            socket.getaddrinfo("localhost.invalid", 80)
    assert attempts == ["localhost.invalid"]


def test_host_of_the_settings_is_allowed_to_one_thread():
    errors = []

    def look_up():
        try:
            socket.getaddrinfo("localhost.invalid", 80)
        except OSError as error:
            errors.append(type(error))

    with egress_guard.recording(), egress_guard.allowing("localhost.invalid"):
        thread = threading.Thread(target=look_up)
        thread.start()
        thread.join()
    assert errors == [egress_guard.EgressBlockedError]


def test_local_connections_are_allowed():
    with egress_guard.recording() as attempts, socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    assert attempts == []


def test_configured_host_and_its_addresses_are_allowed(monkeypatch):
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (OTHER_MACHINE, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *name, **more: addresses)
    with (
        egress_guard.recording(["mail.example"]) as attempts,
        socket.socket(type=socket.SOCK_DGRAM) as out,
    ):
        out.connect((OTHER_MACHINE, 25))  # sends nothing
        with pytest.raises(egress_guard.EgressBlockedError):
            out.connect(("192.0.2.2", 25))
    assert attempts == ["192.0.2.2"]


def test_tests_run_behind_the_guard_of_the_settings():
    with pytest.raises(egress_guard.EgressBlockedError), socket.socket() as connection:
        connection.connect((OTHER_MACHINE, 80))
    assert (
        egress_guard.blocked_connections(settings.BLOCKED_CONNECTIONS_LOG)[-1]["host"]
        == OTHER_MACHINE
    )


@pytest.mark.parametrize(
    ("variables", "hosts"),
    [
        ({"DATABASE_URL": "postgresql://a@db1,db2/x"}, {"db1", "db2"}),
        ({"DATABASE_URL": "postgresql:///x?host=/run/pg"}, set()),
        ({"REDIS_URL": "rediss://u:p@cache.example:6379/0"}, {"cache.example"}),
        ({"SKERRY_SMTP_HOST": "mail.example"}, {"mail.example"}),
    ],
)
def test_settings_list_the_reachable_hosts(variables, hosts):
    script = (
        "import json; from appliance import settings; print(json.dumps(settings.REACHABLE_HOSTS))"
    )
    plain = {"SECRET_KEY": "x", "DATABASE_URL": "postgresql:///x", "REDIS_URL": "unix:///y"}
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=plain | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert set(json.loads(result.stdout)) == hosts | {"127.0.0.1"}, result.stderr


@pytest.mark.parametrize("command", [["launcher.py", "status"], ["-m", "django", "shell", "-v0"]])
def test_launcher_and_commands_run_behind_the_guard(command, tmp_path):
    """Append a connection attempt to both."""
    leak = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    if command[0] == "launcher.py":
        script = f"import launcher, sys; sys.argv[1:] = ['status', '--data', {str(tmp_path)!r}]\n"
        command = ["-c", f"{script}launcher.main(); {leak}"]
    else:
        command = [*command, "-c", leak]
    result = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=60)
    assert result.returncode != 0
    assert f"{egress_guard.BLOCKED_MESSAGE} {OTHER_MACHINE}" in result.stdout + result.stderr


@pytest.mark.slow
def test_web_and_worker_of_a_real_server_run_behind_the_guard(tmp_path):
    leak = tmp_path / "leak"
    leak.mkdir()
    (leak / "sitecustomize.py").write_text(LEAK)
    log = tmp_path / "logs" / settings.BLOCKED_CONNECTIONS_LOG.name
    with run_server(tmp_path, PYTHONPATH=str(leak)) as server:
        deadline = time.monotonic() + 30
        while (
            time.monotonic() < deadline and len(commands_of_attempts(log) & {"serve", "work"}) < 2
        ):
            time.sleep(0.2)
        assert server.has_blocked_connections()
    assert commands_of_attempts(log) >= {"serve", "work"}


def commands_of_attempts(log) -> set[str]:
    attempts = egress_guard.blocked_connections(log)
    assert {attempt["host"] for attempt in attempts} <= {OTHER_MACHINE}
    return {word for attempt in attempts for word in attempt["command"].split()}
