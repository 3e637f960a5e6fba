#!/usr/bin/env python3
"""Measure the time of a start and the memory of the running installation.

    python3 scripts/bench/start.py

It copies the tracked files to a scratch directory, starts an installation there several times (the
first start installs everything), loads the models in web and worker by creating tickets, and prints
a table. Run it on a quiet machine as the user that may read the memory of the processes.
"""

import argparse
import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

CODE = Path(__file__).resolve().parents[2]
READY_GOAL_SECONDS, MEMORY_GOAL_MB = 6, 1024
EMAIL, PASSWORD = "bench@desk.example", "a long bench password"
START_LIMIT_SECONDS = 900


def copy_code(target: Path) -> None:
    """Copy every tracked file of the working tree."""
    names = subprocess.run(
        ["git", "-C", str(CODE), "ls-files", "-z"], capture_output=True, check=True
    ).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, names)):
        copy = target / name
        if (CODE / name).is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((CODE / name).read_bytes())


class ScratchInstallation:
    """An installation in a scratch copy."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder, folder.parent / "launcher.out"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        password = folder.parent / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self.environment = {
            **os.environ,
            "SKERRY_ADMIN_EMAIL": EMAIL,
            "SKERRY_ADMIN_PASSWORD_FILE": str(password),
        }

    def start(self) -> float:
        """Start it; return the seconds until the address is printed."""
        started = time.monotonic()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(self.folder / "launcher.py"), "--port", str(self.port)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        while "is ready" not in self.output.read_text():
            if self.process.poll() is not None or time.monotonic() - started > START_LIMIT_SECONDS:
                sys.exit(f"Skerry did not start:\n{self.output.read_text()}")
            time.sleep(0.02)
        return time.monotonic() - started

    def stop(self) -> float:
        """Stop it; return the seconds from SIGTERM to the end of the last process."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(150)
        return time.monotonic() - started

    def load_models(self) -> None:
        """Sign in, create tickets so that the models are loaded, and wait for the worker."""
        browser = Browser(f"http://127.0.0.1:{self.port}")
        browser.send("/login/", login=EMAIL, password=PASSWORD)
        for number in range(3):
            browser.send(
                "/create-ticket/",
                subject=f"The printer on floor {number} is on fire",
                description="Smoke comes out of tray two and nobody can print the ward lists.",
                priority="2",
            )
        time.sleep(10)

    def memory(self) -> dict[str, float]:
        """Return process → proportional set size in MB; children of servers are included."""
        data = self.folder / "var"
        pids = {"launcher": self.process.pid, "supervisord": _read_pid(data, "supervisord.pid")}
        report = subprocess.run(
            [sys.executable, str(self.folder / "launcher.py"), "status", "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        for name, info in json.loads(report.stdout)["processes"].items():
            pids[name] = info["pid"]
        return {
            name: sum(_pss_mb(each) for each in _process_tree(pid, deep=name == "postgres"))
            for name, pid in pids.items()
        }


class Browser:
    """A minimal browser for forms: cookies, hidden fields, redirects."""

    def __init__(self, site: str) -> None:
        self._site = site
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def send(self, path: str, **fields: str) -> None:
        """Submit the form of this page; exit if the form is shown again."""
        page = self._opener.open(self._site + path, timeout=60).read().decode()
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        data = urllib.parse.urlencode({**hidden, **fields}).encode()
        url = self._site + path
        request = urllib.request.Request(url, data, {"Referer": url})  # noqa: S310 - this machine
        response = self._opener.open(request, timeout=60)
        if urllib.parse.urlsplit(response.url).path == path:
            sys.exit(f"{path} rejected the form.")


def _read_pid(data: Path, name: str) -> int:
    return int((data / "run" / name).read_text())


def _process_tree(pid: int, *, deep: bool) -> list[int]:
    if not deep:
        return [pid]
    listing = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, listing)]


def _pss_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE).group(1)) / 1024


def main() -> None:
    """Measure three starts, the stop and the memory, and print them."""
    parser = argparse.ArgumentParser(description="Measure start times and memory.")
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object instead of a table"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skerry-bench-") as scratch:
        folder = Path(scratch) / "code"
        copy_code(folder)
        installation = ScratchInstallation(folder)
        times = {"first start": installation.start()}
        times["stop"] = installation.stop()
        seconds = [installation.start()]
        for _ in range(2):
            installation.stop()
            seconds.append(installation.start())
        times["second start"] = sorted(seconds)[1]
        installation.load_models()
        memory = installation.memory()
        installation.stop()
    if options.json:
        print(json.dumps({"seconds": times, "pss_mb": memory}))
        return
    print_table(times, memory)


def print_table(times: dict[str, float], memory: dict[str, float]) -> None:
    """Print times and memory with their goals."""
    for name, seconds in times.items():
        print(f"{name:<14} {seconds:6.1f} s")
    ratio = times["second start"] / READY_GOAL_SECONDS
    print(f"{'':<14} second start is {ratio:.2f} of the goal of {READY_GOAL_SECONDS} s\n")
    for name, size in memory.items():
        print(f"{name:<14} {size:6.0f} MB")
    total = sum(memory.values())
    share = total / MEMORY_GOAL_MB
    print(f"{'total':<14} {total:6.0f} MB, {share:.2f} of the goal of {MEMORY_GOAL_MB} MB")


if __name__ == "__main__":
    main()
