"""The front with small web servers behind it: limits, retries, and what it says by itself."""

import http.client
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from appliance.launcher import datadir, files, front
from appliance.launcher.layout import Installation
from tests.launcher.conftest import CODE, free_port, wait_for

LARGE = 12_000_000  # more than sockets hold
TOO_MANY_BYTES = 128 * 1024 * 1024 + 1


class Pages(BaseHTTPRequestHandler):
    """Answers with the request it has seen; /killed closes the connection instead."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.server.paths.append(self.path)
        if self.path == "/killed":
            self.close_connection = True
            return
        body = f"{self.command} {length}\n{self.headers}".encode()
        if self.path == "/large":
            body = b"x" * LARGE
        self.send_response(204 if self.path == "/-/alive" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


class WebServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.paths: list[str] = []
        super().__init__(str(path), Pages)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *arguments: object) -> None:
        """Say nothing of clients that have gone."""

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        self.RequestHandlerClass(request, ("front", 0), self)


class Front:
    """A running Caddy with the configuration of the launcher; web processes are added by tests."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        files.ensure_private_dir(installation.run)
        datadir.ensure_sockets(installation)
        front.ensure_config(installation)
        self.log = installation.data / "front.log"
        self.servers: list[WebServer] = []
        environment = {**os.environ, "XDG_DATA_HOME": str(installation.data)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                front.command(installation), env=environment, stdout=log, stderr=log
            )
        wait_for(self.is_listening)

    def is_listening(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.installation.port)).close()
            return True
        return False

    def add_web_process(self, number: int) -> WebServer:
        path = front.web_sockets(self.installation)[f"web-{number}"]
        self.servers.append(WebServer(path))
        return self.servers[-1]

    def connect(self, data: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.installation.port), timeout=20)
        connection.sendall(data)
        return connection

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str):
        """Return the response, read to its end into ``text``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.installation.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        response = connection.getresponse()
        response.text = response.read().decode()
        connection.close()
        return response

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        for server in self.servers:
            server.shutdown()
            server.server_close()
        shutil.rmtree(self.installation.sockets, ignore_errors=True)


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Yield a front whose times are short, with one of two web processes."""
    patch = pytest.MonkeyPatch()
    patch.setattr(front, "HEADER_SECONDS", 1)
    patch.setattr(front, "WRITE_IDLE_SECONDS", 2)
    patch.setattr(front, "UPLOAD_SECONDS", 4)
    patch.setattr(front, "RETRY_SECONDS", 3)
    data = tmp_path_factory.mktemp("front")
    running = Front(Installation(code=CODE, data=data, port=free_port(), web_processes=2))
    running.add_web_process(1)
    yield running
    running.close()
    patch.undo()


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Yield a front without any web process."""
    patch = pytest.MonkeyPatch()
    patch.setattr(front, "RETRY_SECONDS", 1)
    data = tmp_path_factory.mktemp("front")
    running = Front(Installation(code=CODE, data=data, port=free_port(), web_processes=1))
    yield running
    running.close()
    patch.undo()


def test_form_is_sent_to_another_process_if_one_is_away(caddy: Front) -> None:
    for _ in range(20):
        assert caddy.ask("POST", "/", b"x" * 200_000).text.startswith("POST 200000\n")


def test_form_is_not_repeated_once_a_process_has_it(caddy: Front) -> None:
    paths = caddy.servers[0].paths
    paths.clear()
    answer = caddy.ask("POST", "/killed", b"a=b")
    assert (answer.status, paths.count("/killed")) == (503, 1)
    assert "Your form may not have been saved." in answer.text
    assert caddy.ask("GET", "/killed").status == 503
    assert paths.count("/killed") > 2  # what changes nothing is repeated


def test_client_cannot_choose_its_address_or_scheme(caddy: Front) -> None:
    forged = {
        "x_forwarded_for": "203.0.113.9",
        "x_forwarded_proto": "https",
        "x_forwarded_host": "evil.example",
        "forwarded": "for=203.0.113.9",
    }
    headers = caddy.ask("GET", "/", **forged).text.lower()
    assert "x-forwarded-for: 127.0.0.1\n" in headers
    assert "x-forwarded-proto: http\n" in headers
    assert "203.0.113.9" not in headers and "evil.example" not in headers


def test_trusted_proxy_names_the_client(tmp_path: Path) -> None:
    data, port = tmp_path, free_port()
    trusting = Front(
        Installation(
            code=CODE,
            data=data,
            port=port,
            web_processes=1,
            trusted_proxies=("127.0.0.0/8", "10.1.1.1"),
        )
    )
    trusting.add_web_process(1)
    try:
        chain = "198.51.100.1, 203.0.113.9, 10.1.1.1"  # the first is what the client has sent
        headers = trusting.ask("GET", "/", x_forwarded_for=chain, x_forwarded_proto="https").text
    finally:
        trusting.close()
    assert "X-Forwarded-For: 203.0.113.9\r\n" in headers or "For: 203.0.113.9\n" in headers
    assert "X-Forwarded-Proto: https" in headers


def test_desk_without_web_processes_says_so(lonely: Front) -> None:
    health = lonely.ask("GET", "/healthz")
    assert (health.status, '"status": "down"' in health.text) == (503, True)
    page = lonely.ask("GET", "/login/", accept_language="de-DE,de;q=0.9")
    assert (page.status, page.headers["Retry-After"]) == (503, "10")
    assert "Der Helpdesk antwortet gerade nicht" in page.text
    assert "The desk does not answer" in lonely.ask("GET", "/login/").text


def test_front_logs_no_path(lonely: Front) -> None:
    for method in ("GET", "POST"):
        assert lonely.ask(method, "/welcome/of-somebody/").status == 503
    assert "welcome" not in lonely.log.read_text()


@pytest.mark.parametrize(
    "start",
    [b"", b"GET /page HTT", b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 9999\r\n\r\nab"],
)
def test_page_is_answered_beside_450_slow_connections(caddy: Front, start: bytes) -> None:
    connections = [caddy.connect(start) for _ in range(450)]
    started = time.monotonic()
    assert [caddy.ask("GET", "/").status for _ in range(5)] == [200] * 5
    assert time.monotonic() - started < 5
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("drips", [False, True])
def test_head_of_a_request_must_arrive_in_time(caddy: Front, drips: bool) -> None:
    started, is_over = time.monotonic(), threading.Event()
    connection = caddy.connect(b"GET / HTTP/1.1\r\nHost:")

    def drip() -> None:
        while drips and not is_over.wait(0.3):
            with suppress(OSError):
                connection.send(b"a")

    thread = threading.Thread(target=drip)
    thread.start()
    with suppress(ConnectionError):
        while connection.recv(65_536):
            pass
    is_over.set()
    thread.join()
    connection.close()
    assert 0.5 < time.monotonic() - started < 5


def test_steady_upload_may_take_its_time(caddy: Front) -> None:
    size = 1_000_000
    head = f"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: {size}\r\n\r\n".encode()
    with caddy.connect(head + b"x" * (size - 5)) as connection:
        for _ in range(5):
            time.sleep(0.6)
            connection.sendall(b"x")
        assert f"POST {size}".encode() in connection.recv(65_536)


def test_reader_that_stops_reading_is_closed(caddy: Front) -> None:
    with caddy.connect(b"GET /large HTTP/1.1\r\nHost: d\r\n\r\n") as connection:
        time.sleep(4)
        received = 0
        with suppress(ConnectionError):
            while chunk := connection.recv(1_000_000):
                received += len(chunk)
    assert 0 < received < LARGE


def test_too_large_request_is_refused_before_it_is_read(caddy: Front) -> None:
    response = caddy.ask("GET", "/login/", content_length=str(TOO_MANY_BYTES))
    assert (response.status, "128 MB" in response.text) == (413, True)
    with caddy.connect(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 60_000) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 431")
