"""What an operator does on a machine that has Python and no network. Run by test_scratch_machine.

It runs in a chroot, as root, with the standard library only, and prints what it saw as one JSON
object. Arguments: the bundle, the publisher's key; the stick lies in /media.
"""

import fcntl
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

PLACE = Path("/opt")
DATA = "/var/lib/skerry"
STICK, TRUSTED = "/media/stick", "/media/root.json"
ADMIN = "dan@desk.example"
START_LIMIT_SECONDS = 300
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def raise_loopback() -> None:
    """An empty network namespace has a loopback that is down."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def is_cut_off() -> bool:
    """Whether this machine has no other interface, no route and no index to install from."""
    interfaces = [name for _, name in socket.if_nameindex()]
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=2).close()
    except OSError:
        return interfaces == ["lo"] and routes == []
    return False


def launcher(code: Path, *arguments: str) -> list[str]:
    return ["python3", str(code / "launcher.py"), "--data", DATA, *arguments]


def get(path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def started(code: Path) -> tuple[subprocess.Popen, float]:
    """A desk that says it is ready, and how long that took."""
    began = time.monotonic()
    with open("/tmp/desk.out", "wb") as output:
        process = subprocess.Popen(launcher(code), stdout=output, stderr=output)
    while "Ctrl-C stops it." not in Path("/tmp/desk.out").read_text():
        if process.poll() is not None or time.monotonic() - began > START_LIMIT_SECONDS:
            sys.exit(Path("/tmp/desk.out").read_text())
        time.sleep(0.2)
    return process, time.monotonic() - began


def health_with_models() -> dict:
    """What /healthz says once the models are loaded, or after a minute."""
    for _ in range(120):
        _, body = get("/healthz")
        if set(json.loads(body)["models"].values()) == {"ok"}:
            break
        time.sleep(0.5)
    return json.loads(body)


def flipped_byte_is_named(code: Path) -> str:
    """What a start says when one byte of one wheel is another."""
    wheel = next((code / "wheels").glob("django-*.whl"))
    content = wheel.read_bytes()
    wheel.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    said = subprocess.run(launcher(code), capture_output=True, text=True, check=False)
    wheel.write_bytes(content)
    return said.stderr if said.returncode else "it started"


def updated_from(stick: str, code: Path) -> dict:
    """Take a model update from a folder; what was said, and what runs before and after."""
    command = ["python3", str(code / "scripts" / "update_models.py"), "--data", DATA]
    before = running_models(command)
    began = time.monotonic()
    # nobody confirmed a category here yet, so a person must say yes
    yes = ["--accept", "undecided", "--by", ADMIN, "--reason", "a new desk has no tickets"]
    done = subprocess.run(
        [*command, "apply", stick, "--trust", TRUSTED, *yes],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "status": done.returncode,
        "said": done.stdout + done.stderr,
        "seconds": time.monotonic() - began,
        "before": before,
        "after": running_models(command),
    }


def running_models(command: list[str]) -> dict[str, str]:
    """Role → name and version of the bundle that answers."""
    told = subprocess.run(
        [*command, "status", "--json"], capture_output=True, text=True, check=True
    )
    return {one["role"]: one["bundle"] for one in json.loads(told.stdout)["roles"]}


def main() -> None:
    bundle, publisher = sys.argv[1:]
    raise_loopback()
    Path("/media/password").write_text("correct horse battery staple")
    Path("/media/password").chmod(0o644)
    os.environ |= {"SKERRY_ADMIN_EMAIL": ADMIN, "SKERRY_ADMIN_PASSWORD_FILE": "/media/password"}
    seen: dict[str, object] = {"cut_off": is_cut_off()}
    subprocess.run(["tar", "-xzf", bundle, "-C", str(PLACE)], check=True)
    code = next(PLACE.glob("skerry-*"))
    verify = [sys.executable, str(code / "scripts" / "build_bundle.py"), "--verify", bundle]
    began = time.monotonic()
    checked = subprocess.run([*verify, "--publisher", publisher], capture_output=True, check=False)
    seen["verified"], seen["verify_seconds"] = checked.returncode, time.monotonic() - began
    seen["flipped"] = flipped_byte_is_named(code)
    seen["half_made"] = (code / ".venv").exists() or os.path.exists(DATA)

    process, seen["first_start_seconds"] = started(code)
    seen["log_in"], page = get("/login/")
    seen["style_sheet"], _ = get(page.partition('<link rel="stylesheet" href="')[2].split('"')[0])
    seen["health"] = health_with_models()
    stamp = "static/collected-from"
    carried = (code / stamp).read_bytes()
    seen["static_files_were_carried"] = Path(DATA, stamp).read_bytes() == carried
    seen["update"] = updated_from(STICK, code)
    seen["health_after_update"] = health_with_models()
    process.send_signal(signal.SIGTERM)
    seen["stopped"] = process.wait(60)

    process, seen["second_start_seconds"] = started(code)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
