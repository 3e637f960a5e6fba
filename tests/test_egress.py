"""``doctor --egress`` sees who tries to leave, whichever way."""

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
from appliance.launcher.egress import Done

CODE = Path(__file__).resolve().parent.parent
# What a careless library would do: once through Python, once behind its back.
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
WATCHED = """
from appliance.launcher import network_namespace
watch = network_namespace.enter()
watch.begin()
{leak}
import time
time.sleep(0.5)
print(*watch.attempts(), sep="\\n")
"""


def udp(address: str, port: int, payload: bytes = b"") -> bytes:
    """An IPv4 packet, as far as anybody looks."""
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0, bytes(4), socket.inet_aton(address)
    )
    return head + struct.pack("!HHHH", 1, port, 8, 0) + payload


def test_a_packet_is_told_in_words():
    question = bytes(12) + b"\x03www\x07example\x00\x00\x01\x00\x01"
    assert network_namespace.describe(udp("192.0.2.7", 9)) == "udp 192.0.2.7:9"
    assert (
        network_namespace.describe(udp("10.0.0.2", 53, question))
        == "www.example asked of udp 10.0.0.2:53"
    )
    assert network_namespace.describe(udp("127.0.0.53", 53, question)).startswith("www.example")


def test_what_stays_on_the_machine_is_nothing_to_tell():
    assert network_namespace.describe(udp("127.0.0.1", 8000)) is None


def watched(leak: str) -> list[str]:
    """What the watch saw of this, in a process and a network of its own."""
    command = [sys.executable, "-c", WATCHED.format(leak=leak)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=CODE)
    if "cannot be watched" in answer.stderr:
        pytest.skip(answer.stderr.strip().splitlines()[-1])
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.split("\n")[:-1]


def test_the_watch_sees_python_and_what_goes_behind_its_back():
    assert watched(LEAK) == ["tcp 192.0.2.1:80", "udp 192.0.2.9:9"]


def test_the_watch_sees_ipv6():
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this kernel has no IPv6")
    leak = "import socket; socket.socket(10, 2).sendto(b'x', ('2001:db8:5::5', 9))"
    assert watched(leak) == ["udp 2001:db8:5::5:9"]


def test_the_watch_is_silent_about_this_machine():
    here = "import socket; here = socket.create_server(('127.0.0.1', 0))"
    assert watched(f"{here}; socket.create_connection(here.getsockname())") == [""]


def test_the_models_are_read_without_a_word_to_anybody():
    """ONNX Runtime asks for its maker's address eight seconds after it was loaded, if it may."""
    read = """
from pathlib import Path
from appliance.inference.engine import Engine
engine = Engine(Path("models"))
engine.embed("The printer on ward 3 prints blank pages")
import time
time.sleep(15)
"""
    assert watched(read) == [""]


@pytest.mark.parametrize(
    ("done", "seen", "refused", "status"),
    [
        ([Done("a", "b")], {}, {}, 0),
        ([Done("a", "b", is_well=False)], {}, {}, 1),
        ([Done("a", "b")], {"udp 192.0.2.9:9": 1}, {}, 1),
        ([Done("a", "b")], {}, {"192.0.2.1": 2}, 1),
    ],
)
def test_only_a_whole_walk_without_an_attempt_ends_well(done, seen, refused, status, capsys):
    assert egress._report(done, seen, Counter(refused)) == status


@pytest.mark.slow
def test_a_leak_of_the_real_web_process_is_found_and_nothing_else(tmp_path):
    """The code as it is, with a leak at the end of the file the web process starts with."""
    watched("")  # skips where nobody can watch
    code = tmp_path / "code"
    code.mkdir()
    for name in ("appliance", "scripts"):
        shutil.copytree(CODE / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [CODE / ".venv", CODE / "models", CODE / "pyproject.toml", *CODE.glob("*.lock")]:
        (code / path.name).symlink_to(path)
    shutil.copy(CODE / "launcher.py", code)
    with (code / "appliance" / "wsgi.py").open("a") as stream:
        stream.write(LEAK)
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    answer = subprocess.run(
        [sys.executable, str(code / "launcher.py"), "doctor", "--egress"],
        env=kept,
        capture_output=True,
        text=True,
        timeout=900,
    )
    said = answer.stdout + answer.stderr
    failed = [line for line in answer.stdout.splitlines() if line.startswith("fail")]
    assert answer.returncode == 1, said
    assert len(failed) == 2, said
    assert "udp 192.0.2.9:9" in failed[0] and "192.0.2.1" in failed[1], said
    assert "the models are updated     packed, signed, checked, applied" in said
