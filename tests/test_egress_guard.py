"""No process of the desk reaches a machine that nobody configured, and whoever tries is told of."""

import json
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from django.conf import settings

from appliance import egress_guard
from tests.real_server import run_server

ELSEWHERE = "192.0.2.1"  # an address that belongs to nobody (RFC 5737)
# Put on the path of a process, it tries to leave as soon as Django is up.
LEAK = """
import socket, threading, time
def leave():
    while True:
        time.sleep(0.2)
        from django.apps import apps
        if apps.ready:
            try:
                socket.create_connection(("192.0.2.1", 80), timeout=1)
            except OSError:
                return
threading.Thread(target=leave, daemon=True).start()
"""


def test_another_machine_cannot_be_reached():
    with egress_guard.recording() as attempts, socket.socket() as way_out:
        with pytest.raises(egress_guard.EgressBlockedError):
            way_out.connect((ELSEWHERE, 80))
        with pytest.raises(egress_guard.EgressBlockedError):
            socket.getaddrinfo("example.org", 80)
        with pytest.raises(egress_guard.EgressBlockedError):
            socket.gethostbyaddr(ELSEWHERE)
    assert attempts == [ELSEWHERE, "example.org", ELSEWHERE]


def test_a_swallowed_refusal_is_remembered():
    with egress_guard.recording() as attempts, pytest.raises(OSError):
        urllib.request.urlopen("http://example.org/", timeout=1)
    assert attempts == ["example.org"]


def test_a_datagram_cannot_leave_either():
    datagrams = socket.socket(type=socket.SOCK_DGRAM)
    with egress_guard.recording(), datagrams, pytest.raises(egress_guard.EgressBlockedError):
        datagrams.sendto(b"hello", (ELSEWHERE, 53))


def test_this_machine_can_be_reached():
    with egress_guard.recording() as attempts, socket.create_server(("127.0.0.1", 0)) as here:
        socket.create_connection(here.getsockname(), timeout=5).close()
    assert attempts == []


def test_a_configured_name_and_its_addresses_can_be_reached(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ELSEWHERE, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *name, **more: found)
    with (
        egress_guard.recording(["mail.example"]) as attempts,
        socket.socket(type=socket.SOCK_DGRAM) as out,
    ):
        out.connect((ELSEWHERE, 25))  # sends nothing
        with pytest.raises(egress_guard.EgressBlockedError):
            out.connect(("192.0.2.2", 25))
    assert attempts == ["192.0.2.2"]


def test_the_way_out_of_these_tests_is_closed_by_the_desk_itself():
    with pytest.raises(egress_guard.EgressBlockedError), socket.socket() as way_out:
        way_out.connect((ELSEWHERE, 80))
    assert (
        egress_guard.blocked_connections(settings.BLOCKED_CONNECTIONS_LOG)[-1]["host"] == ELSEWHERE
    )


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        ({"DATABASE_URL": "postgresql://a@db1,db2/x"}, {"db1", "db2"}),
        ({"DATABASE_URL": "postgresql:///x?host=/run/pg"}, set()),
        ({"REDIS_URL": "rediss://u:p@cache.example:6379/0"}, {"cache.example"}),
        ({"SKERRY_SMTP_HOST": "mail.example"}, {"mail.example"}),
    ],
)
def test_the_settings_say_what_may_be_reached(given, reached):
    ask = "import json; from appliance import settings; print(json.dumps(settings.REACHABLE_HOSTS))"
    plain = {"SECRET_KEY": "x", "DATABASE_URL": "postgresql:///x", "REDIS_URL": "unix:///y"}
    answer = subprocess.run(
        [sys.executable, "-c", ask], env=plain | given, capture_output=True, text=True, timeout=60
    )
    assert set(json.loads(answer.stdout)) == reached | {"127.0.0.1"}, answer.stderr


@pytest.mark.parametrize("command", [["launcher.py", "status"], ["-m", "django", "shell", "-v0"]])
def test_the_launcher_and_a_command_stand_behind_the_fence(command, tmp_path):
    """Their own words, with an attempt to leave at the end of them."""
    leak = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    if command[0] == "launcher.py":
        script = f"import launcher, sys; sys.argv[1:] = ['status', '--data', {str(tmp_path)!r}]\n"
        command = ["-c", f"{script}launcher.main(); {leak}"]
    else:
        command = [*command, "-c", leak]
    answer = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=60)
    assert answer.returncode != 0
    assert f"{egress_guard.BLOCKED_MESSAGE} {ELSEWHERE}" in answer.stdout + answer.stderr


@pytest.mark.slow
def test_web_and_worker_of_a_real_desk_cannot_leave(tmp_path):
    leak = tmp_path / "leak"
    leak.mkdir()
    (leak / "sitecustomize.py").write_text(LEAK)
    record = tmp_path / "logs" / settings.BLOCKED_CONNECTIONS_LOG.name
    with run_server(tmp_path, PYTHONPATH=str(leak)) as server:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and len(who_tried(record) & {"serve", "work"}) < 2:
            time.sleep(0.2)
        assert server.has_blocked_connections()
    assert who_tried(record) >= {"serve", "work"}


def who_tried(record) -> set[str]:
    refused = egress_guard.blocked_connections(record)
    assert {one["host"] for one in refused} <= {ELSEWHERE}
    return {one["command"].split()[-1] for one in refused}
