"""The fence the other tests stand behind bites."""

import socket
import subprocess
import sys
import urllib.request

import pytest

from tests import offline

ELSEWHERE = "192.0.2.1"  # an address that belongs to nobody (RFC 5737)


def test_another_machine_cannot_be_reached():
    with offline.closed() as attempts, socket.socket() as way_out:
        with pytest.raises(offline.WayOutError):
            way_out.connect((ELSEWHERE, 80))
        with pytest.raises(offline.WayOutError):
            socket.getaddrinfo("example.org", 80)
    assert attempts == [ELSEWHERE, "example.org"]


def test_a_swallowed_refusal_is_remembered():
    with offline.closed() as attempts, pytest.raises(OSError):
        urllib.request.urlopen("http://example.org/", timeout=1)
    assert attempts == ["example.org"]


def test_a_datagram_cannot_leave_either():
    datagrams = socket.socket(type=socket.SOCK_DGRAM)
    with offline.closed(), datagrams, pytest.raises(offline.WayOutError):
        datagrams.sendto(b"hello", (ELSEWHERE, 53))


def test_this_machine_can_be_reached():
    with offline.closed() as attempts, socket.create_server(("127.0.0.1", 0)) as here:
        socket.create_connection(here.getsockname(), timeout=5).close()
    assert attempts == []


def test_a_command_of_the_desk_runs_behind_the_fence(tmp_path):
    leak = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    command = [sys.executable, "-m", "tests.offline", "shell", "-v0", "-c", leak]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode != 0
    assert f"{offline.REFUSED} {ELSEWHERE}" in answer.stderr
