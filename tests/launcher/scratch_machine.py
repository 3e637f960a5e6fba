"""Install, start and update Skerry on a machine without network. Run by test_scratch_machine.

This script runs in a chroot, as root, with the standard library only, and prints its observations
as one JSON object. Arguments: the bundle and the publisher's key; the update is in /media.
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

INSTALL_FOLDER = Path("/opt")
DATA = "/var/lib/skerry"
UPDATE_FOLDER, TRUSTED_ROOT = "/media/update", "/media/root.json"
ADMIN = "dan@desk.example"
START_LIMIT_SECONDS = 300
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def raise_loopback() -> None:
    """Bring up the loopback device, which is down in a new network namespace."""
    with socket.socket() as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def is_isolated() -> bool:
    """Return whether this machine has only the loopback device and no route."""
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
    response = connection.getresponse()
    return response.status, response.read().decode()


def start(code: Path) -> tuple[subprocess.Popen, float]:
    """Start the launcher, wait until it is ready, and return it and the seconds that took."""
    started_at = time.monotonic()
    with open("/tmp/desk.out", "wb") as output:
        process = subprocess.Popen(launcher(code), stdout=output, stderr=output)
    while "Ctrl-C stops it." not in Path("/tmp/desk.out").read_text():
        if process.poll() is not None or time.monotonic() - started_at > START_LIMIT_SECONDS:
            sys.exit(Path("/tmp/desk.out").read_text())
        time.sleep(0.2)
    return process, time.monotonic() - started_at


def health_with_models() -> dict:
    """Return the response of /healthz once the models are loaded, or after a minute."""
    for _ in range(120):
        _, body = get("/healthz")
        if set(json.loads(body)["models"].values()) == {"ok"}:
            break
        time.sleep(0.5)
    return json.loads(body)


def start_with_changed_wheel(code: Path) -> str:
    """Change one byte of a wheel and return the error message of a start."""
    wheel = next((code / "wheels").glob("django-*.whl"))
    content = wheel.read_bytes()
    wheel.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    result = subprocess.run(launcher(code), capture_output=True, text=True, check=False)
    wheel.write_bytes(content)
    return result.stderr if result.returncode else "it started"


def apply_update(folder: str, code: Path) -> dict:
    """Apply a model update; return its output and the active bundles before and after."""
    command = ["python3", str(code / "scripts" / "update_models.py"), "--data", DATA]
    before = running_models(command)
    started_at = time.monotonic()
    # Without confirmed categories the comparison is undecided, which a person must accept.
    overrides = ["--accept", "undecided", "--by", ADMIN, "--reason", "a new desk has no tickets"]
    result = subprocess.run(
        [*command, "apply", folder, "--trust", TRUSTED_ROOT, *overrides],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "status": result.returncode,
        "output": result.stdout + result.stderr,
        "seconds": time.monotonic() - started_at,
        "before": before,
        "after": running_models(command),
    }


def running_models(command: list[str]) -> dict[str, str]:
    """Return role → name and version of the active bundle."""
    result = subprocess.run(
        [*command, "status", "--json"], capture_output=True, text=True, check=True
    )
    return {row["role"]: row["bundle"] for row in json.loads(result.stdout)["roles"]}


def main() -> None:
    bundle, publisher = sys.argv[1:]
    raise_loopback()
    Path("/media/password").write_text("correct horse battery staple")
    Path("/media/password").chmod(0o644)
    os.environ |= {"SKERRY_ADMIN_EMAIL": ADMIN, "SKERRY_ADMIN_PASSWORD_FILE": "/media/password"}
    report: dict[str, object] = {"isolated": is_isolated()}
    subprocess.run(["tar", "-xzf", bundle, "-C", str(INSTALL_FOLDER)], check=True)
    code = next(INSTALL_FOLDER.glob("skerry-*"))
    verify = [sys.executable, str(code / "scripts" / "build_bundle.py"), "--verify", bundle]
    started_at = time.monotonic()
    result = subprocess.run([*verify, "--publisher", publisher], capture_output=True, check=False)
    report["verified"] = result.returncode
    report["verify_seconds"] = time.monotonic() - started_at
    report["changed_wheel"] = start_with_changed_wheel(code)
    report["partly_installed"] = (code / ".venv").exists() or os.path.exists(DATA)

    process, report["first_start_seconds"] = start(code)
    report["log_in"], page = get("/login/")
    report["style_sheet"], _ = get(page.partition('<link rel="stylesheet" href="')[2].split('"')[0])
    report["health"] = health_with_models()
    digest = "static/collected-from"
    bundled_digest = (code / digest).read_bytes()
    report["has_bundled_static_files"] = Path(DATA, digest).read_bytes() == bundled_digest
    report["update"] = apply_update(UPDATE_FOLDER, code)
    report["health_after_update"] = health_with_models()
    process.send_signal(signal.SIGTERM)
    report["stopped"] = process.wait(60)

    process, report["second_start_seconds"] = start(code)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
