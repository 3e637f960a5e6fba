"""Slow, silent and greedy clients do not keep pages from others. Real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from appliance.ops.http_server import ConnectionLimits, create_server

REQUEST = b"GET /page HTTP/1.1\r\nHost: desk\r\n\r\n"
LARGE = 12_000_000  # more than a socket takes at once, less than what a thread waits for
LIMITS = ConnectionLimits(
    connections=300,
    per_address=100,
    header_seconds=1,
    transfer_seconds=2,
    bytes_per_second=50_000,
    idle_seconds=3,
)


def application(environ, start_response):
    """Answer with the size of the body; "/large" with many bytes, "/slow" after some seconds."""
    body = b"%d" % len(environ["wsgi.input"].read())
    if environ["PATH_INFO"] == "/large":
        body = b"x" * LARGE
    if environ["PATH_INFO"] == "/slow":
        time.sleep(4)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class Desk:
    """A running server and the connections a test has opened to it."""

    def __init__(self, limits: ConnectionLimits) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.server = create_server(application, sockets=[listening], limits=limits, threads=4)
        self.connections: list[socket.socket] = []
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def connect(self, data: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(data)
        self.connections.append(connection)
        return connection

    def seconds_for_a_page(self) -> float:
        start = time.monotonic()
        assert self.connect(REQUEST).recv(4096).startswith(b"HTTP/1.1 200")
        return time.monotonic() - start

    def stop(self) -> None:
        for connection in self.connections:
            connection.close()
        opened = dict(self.server.map)
        self.server.map.clear()  # ends the loop
        self.thread.join(5)
        self.server.map.update(opened)
        self.server.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(LIMITS)
    yield desk
    desk.stop()


def seconds_until_closed(connection: socket.socket) -> float:
    start = time.monotonic()
    with suppress(ConnectionError):
        while connection.recv(65_536):
            pass
    return time.monotonic() - start


def drip(connections: list[socket.socket], is_over: threading.Event) -> None:
    """Send a byte on each connection now and then."""
    while not is_over.wait(0.5):
        for connection in connections:
            with suppress(OSError):
                connection.send(b"X")


@pytest.mark.parametrize(
    "start",
    [b"", b"GET /page HTT", b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 9999\r\n\r\nab"],
)
def test_page_is_answered_beside_450_slow_connections(desk, start):
    slow, is_over = [desk.connect(start) for _ in range(450)], threading.Event()
    thread = threading.Thread(target=drip, args=[slow if start else [], is_over])
    thread.start()
    try:
        for _ in range(5):
            assert desk.seconds_for_a_page() < 5, "0.05 s alone on a core"
    finally:
        is_over.set()
        thread.join()


def test_page_is_answered_beside_connections_that_read_nothing(desk):
    for _ in range(60):
        desk.connect(REQUEST.replace(b"/page", b"/large"))
    assert desk.seconds_for_a_page() < 10


@pytest.mark.parametrize(
    ("start", "least", "most"),
    [
        (b"", 2.5, 8),
        (b"GET /page HTTP/1.1\r\nHost:", 0.5, 5),
        (b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 99\r\n\r\nab", 1.5, 7),
        (b"POST / HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 1.5, 7),
    ],
)
def test_connection_that_says_no_more_is_closed(desk, start, least, most):
    assert least < seconds_until_closed(desk.connect(start)) < most


def test_byte_now_and_then_does_not_keep_a_request_open(desk):
    connection, is_over = desk.connect(b"GET /pa"), threading.Event()
    thread = threading.Thread(target=drip, args=[[connection], is_over])
    thread.start()
    assert seconds_until_closed(connection) < 6
    is_over.set()
    thread.join()


def test_reader_that_stops_reading_is_closed(desk):
    connection = desk.connect(REQUEST.replace(b"/page", b"/large"))
    time.sleep(6)
    received = 0
    while chunk := connection.recv(1_000_000):
        received += len(chunk)
    assert 0 < received < LARGE


def test_steady_upload_and_download_may_take_their_time(desk):
    body = b"x" * 700_000
    connection = desk.connect(
        b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    for start in range(0, len(body), 100_000):
        connection.sendall(body[start : start + 100_000])
        time.sleep(0.6)
    assert connection.recv(4096).endswith(b"700000"), "after twice the time for a short body"


def test_request_that_takes_long_to_answer_is_not_closed(desk):
    connection = desk.connect(REQUEST.replace(b"/page", b"/slow"))
    for _ in range(110):
        desk.connect()
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_kept_connection_serves_several_requests(desk):
    connection = desk.connect()
    for _ in range(3):
        connection.sendall(REQUEST)
        answer = connection.recv(4096)
        while not answer.endswith(b"\r\n\r\n0"):
            answer += connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200")
        time.sleep(1.5)


def test_site_behind_a_proxy_may_have_more_connections():
    desk = Desk(ConnectionLimits(connections=300, per_address=0))
    try:
        first = desk.connect()
        for _ in range(200):
            desk.connect()
        desk.seconds_for_a_page()
        first.sendall(REQUEST)
        assert first.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        desk.stop()
