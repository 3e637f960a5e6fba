#!/usr/bin/env python3
"""Measure how soon a page is answered while slow connections are open.

    python scripts/bench/slow_connections.py

Each slow connection sends the head of a request, one byte every eight seconds. Beside them, another
client opens the log-in page again and again, each time over a new connection.
"""

import argparse
import contextlib
import http.client
import socket
import statistics
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import servers
from report import Section, met, table

CONNECTIONS = 450
SECONDS_BETWEEN_BYTES = 8
SLOW_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 1_000
MEASURED_SECONDS = 40  # several times as long as the head of a request may take
GOAL_SECONDS = 1


@contextlib.contextmanager
def slow_connections(address: tuple[str, int]) -> Iterator[None]:
    """Keep ``CONNECTIONS`` open; one that the desk closes is opened again at its next byte."""
    is_over = threading.Event()

    def send_slowly() -> None:
        open_connections: list[socket.socket | None] = [None] * CONNECTIONS
        sent = [0] * CONNECTIONS
        while True:
            for index, connection in enumerate(open_connections):
                try:
                    if connection is None:
                        connection, sent[index] = socket.create_connection(address), 0
                    connection.send(SLOW_HEAD[sent[index] : sent[index] + 1])
                    open_connections[index], sent[index] = connection, sent[index] + 1
                except OSError:
                    open_connections[index] = None
            all_open.set()
            if is_over.wait(SECONDS_BETWEEN_BYTES):
                break
        for connection in open_connections:
            if connection is not None:
                connection.close()

    all_open = threading.Event()
    thread = threading.Thread(target=send_slowly)
    thread.start()
    all_open.wait()
    yield
    is_over.set()
    thread.join()


def measure(address: tuple[str, int], seconds: float) -> list[float]:
    """Return the seconds of each page until ``seconds`` are over."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        connection = http.client.HTTPConnection(*address, timeout=60)
        connection.request("GET", "/login/")
        if connection.getresponse().status != 200:
            raise SystemExit("The log-in page was refused.")
        connection.close()
        times.append(time.monotonic() - started)
        time.sleep(0.1)
    return times


def row(name: str, times: list[float]) -> tuple[object, ...]:
    """Return a line of the table."""
    slowest = max(times)
    return (
        name,
        len(times),
        f"{statistics.median(times):.3f}",
        f"{slowest:.3f}",
        met(slowest <= GOAL_SECONDS),
    )


def main() -> None:
    """Measure with and without slow connections and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the scratch installation")
    args = parser.parse_args()
    section = Section("slow_connections", "Slow connections")
    with servers.running(args.data) as installation, installation.serving() as site:
        parts = urllib.parse.urlsplit(site)
        address = (parts.hostname, parts.port)
        measure(address, 2)
        rows = [row("none", measure(address, MEASURED_SECONDS / 4))]
        with slow_connections(address):
            rows.append(row(f"{CONNECTIONS}", measure(address, MEASURED_SECONDS)))
    section.write(
        [
            f"Seconds until the log-in page is there; the goal is {GOAL_SECONDS} s while "
            f"{CONNECTIONS} connections send one byte every {SECONDS_BETWEEN_BYTES} s.",
            "",
            *table(("slow connections", "pages", "median", "slowest", "goal"), rows),
        ]
    )


if __name__ == "__main__":
    main()
