"""``doctor --egress`` reports every attempt to reach another machine."""

import os
import shutil
import socket
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from appliance.launcher import egress, network_namespace
from appliance.launcher.egress import CheckResult

CODE = Path(__file__).resolve().parent.parent
# Connections of a careless library: one through Python, one through libc.
LEAK = """
import ctypes, socket, struct
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
except OSError:
    pass
_libc = ctypes.CDLL(None)
_to = struct.pack("=H", 2) + struct.pack("!H4s8x", 9, socket.inet_aton("192.0.2.9"))
_libc.sendto(_libc.socket(2, 2, 0), b"leak", 4, 0, _to, 16)
"""
# The last packet is a marker: once the monitor has seen it, it has seen those before it.
MONITORED_SCRIPT = """
import socket, time
from appliance.launcher import network_namespace
monitor = network_namespace.enter()
monitor.start()
{leak}
socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("192.0.2.255", 9))
while (marker := "udp 192.0.2.255:9") not in monitor.attempts():
    time.sleep(0.01)
print(*(attempt for attempt in monitor.attempts() if attempt != marker), sep="\\n")
"""


def udp(address: str, port: int, payload: bytes = b"") -> bytes:
    """Return an IPv4 packet with the fields that are read."""
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0, bytes(4), socket.inet_aton(address)
    )
    return header + struct.pack("!HHHH", 1, port, 8, 0) + payload


def test_packet_is_described():
    question = bytes(12) + b"\x03www\x07example\x00\x00\x01\x00\x01"
    assert network_namespace.describe(udp("192.0.2.7", 9)) == "udp 192.0.2.7:9"
    assert (
        network_namespace.describe(udp("10.0.0.2", 53, question))
        == "www.example asked of udp 10.0.0.2:53"
    )
    assert network_namespace.describe(udp("127.0.0.53", 53, question)).startswith("www.example")


def test_local_packet_is_ignored():
    assert network_namespace.describe(udp("127.0.0.1", 8000)) is None


def attempts_of(leak: str) -> list[str]:
    """Run the code in a process and network namespace of its own; return what the monitor saw."""
    command = [sys.executable, "-c", MONITORED_SCRIPT.format(leak=leak)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=CODE)
    if "cannot be monitored" in result.stderr:
        pytest.skip(result.stderr.strip().splitlines()[-1])
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\n")[:-1]


def test_monitor_sees_connections_of_python_and_of_libc():
    assert attempts_of(LEAK) == ["tcp 192.0.2.1:80", "udp 192.0.2.9:9"]


def test_monitor_sees_ipv6():
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this kernel has no IPv6")
    leak = "import socket; socket.socket(10, 2).sendto(b'x', ('2001:db8:5::5', 9))"
    assert attempts_of(leak) == ["udp 2001:db8:5::5:9"]


def test_monitor_ignores_local_connections():
    code = "import socket; server = socket.create_server(('127.0.0.1', 0))"
    assert attempts_of(f"{code}; socket.create_connection(server.getsockname())") == [""]


def test_monitor_sees_what_is_sent_to_a_configured_server_but_not_its_answers():
    leak = """
server = socket.create_server(("198.51.100.25", 10993))
client = socket.create_connection(server.getsockname())
server.accept()[0].sendall(b"x")
assert client.recv(1) == b"x"
"""
    assert attempts_of(leak) == ["tcp 198.51.100.25:10993"]


def test_loading_models_contacts_nobody():
    """Wait longer than 8 s: by default ONNX Runtime then looks up an address of its vendor."""
    script = """
from pathlib import Path
from appliance.inference.engine import Engine
engine = Engine(Path("models"))
engine.embed("The printer on ward 3 prints blank pages")
import time
time.sleep(15)
"""
    assert attempts_of(script) == [""]


@pytest.mark.parametrize(
    ("checks", "packets", "blocked", "status"),
    [
        ([CheckResult("a", "b")], {}, {}, 0),
        ([CheckResult("a", "b", is_ok=False)], {}, {}, 1),
        ([CheckResult("a", "b")], {"tcp 198.51.100.25:10993": 3}, {}, 0),
        ([CheckResult("a", "b")], {"tcp 198.51.100.25:25": 3}, {}, 1),
        ([CheckResult("a", "b")], {"udp 192.0.2.9:9": 1}, {}, 1),
        ([CheckResult("a", "b")], {}, {"192.0.2.1": 2}, 1),
    ],
)
def test_report_passes_only_without_failures_and_attempts(checks, packets, blocked, status, capsys):
    assert egress._report(checks, packets, Counter(blocked)) == status


@pytest.mark.slow
def test_connection_attempt_of_the_web_process_is_reported(tmp_path):
    """Append a connection attempt to the module that the web process starts with."""
    attempts_of("")  # skips where no network namespace can be created
    code = tmp_path / "code"
    code.mkdir()
    for name in ("appliance", "scripts"):
        shutil.copytree(CODE / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [CODE / ".venv", CODE / "models", CODE / "pyproject.toml", *CODE.glob("*.lock")]:
        (code / path.name).symlink_to(path)
    shutil.copy(CODE / "launcher.py", code)
    with (code / "appliance" / "wsgi.py").open("a") as stream:
        stream.write(LEAK)
    environment = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    result = subprocess.run(
        [sys.executable, str(code / "launcher.py"), "doctor", "--egress"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    output = result.stdout + result.stderr
    failures = [line for line in result.stdout.splitlines() if line.startswith("fail")]
    assert result.returncode == 1, output
    assert len(failures) == 2, output
    assert output.count("ok    configured") == 3, output
    assert "udp 192.0.2.9:9" in failures[0] and "192.0.2.1" in failures[1], output
    assert "the models are updated     packed, signed, checked, applied" in output
