"""The web processes behind the front: each answers, and nobody misses a killed one."""

import http.client
import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.launcher import machine
from tests.launcher.conftest import Desk, wait_for

PAGE = b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def web_pids(desk: Desk) -> list[int]:
    """Return the pids of the web processes that run."""
    processes = desk.status()["processes"]
    return [info["pid"] for name, info in processes.items() if name.startswith("web-")]


@pytest.fixture
def pair(desk: Desk) -> Iterator[list[int]]:
    """Yield the pids of both web processes once both answer; continue a stopped one afterwards."""
    sockets = [desk.data / "run" / f"web-{number}.sock" for number in (1, 2)]
    wait_for(lambda: all(map(is_listening, sockets)))
    pids = web_pids(desk)
    yield pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
        client.connect(str(path))
        return True
    return False


def ask(desk: Desk, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
    """Return the response of the desk, read to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=60)
    body = "a=b" if method == "POST" else None
    connection.request(
        method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    response = connection.getresponse()
    response.text = response.read()
    connection.close()
    return response


def test_each_web_process_answers(desk: Desk, pair: list[int]) -> None:
    for stopped in pair:
        os.kill(stopped, signal.SIGSTOP)
        try:
            clients = [threading.Thread(target=desk.get, args=["/login/"]) for _ in range(4)]
            for client in clients:  # some of them wait for the stopped process
                client.start()
            wait_for(lambda clients=clients: not all(client.is_alive() for client in clients))
        finally:
            os.kill(stopped, signal.SIGCONT)
        for client in clients:
            client.join()


@pytest.mark.slow
def test_killed_web_process_is_missed_by_nobody(desk: Desk, pair: list[int]) -> None:
    statuses: Counter[int] = Counter()
    is_finished = threading.Event()

    def send_requests() -> None:
        while not is_finished.is_set():
            statuses[desk.get("/login/")] += 1

    clients = [threading.Thread(target=send_requests) for _ in range(8)]
    for client in clients:
        client.start()
    os.kill(pair[0], signal.SIGKILL)
    wait_for(lambda: len(web_pids(desk)) == 2 and pair[0] not in web_pids(desk))
    is_finished.set()
    for client in clients:
        client.join()
    assert set(statuses) == {200}
    assert statuses[200] > 20


def test_pages_are_compressed_unless_another_site_asks(desk: Desk) -> None:
    for accepted in ("gzip", "zstd"):
        response = ask(
            desk, "GET", "/login/", accept_encoding=accepted, sec_fetch_site="same-origin"
        )
        assert response.headers["Content-Encoding"] == accepted
    for site in ("cross-site", "same-site"):
        response = ask(desk, "GET", "/login/", accept_encoding="gzip", sec_fetch_site=site)
        assert response.headers["Content-Encoding"] is None


def test_static_files_are_served_by_the_front_and_kept_by_browsers(desk: Desk) -> None:
    page = ask(desk, "GET", "/login/").text.decode()
    path = re.search(r"/static/[^\"]+\.css", page).group()
    response = ask(desk, "GET", path, accept_encoding="gzip")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Encoding"] == "gzip"
    assert (
        ask(
            desk, "GET", path, if_none_match=response.headers["ETag"], accept_encoding="gzip"
        ).status
        == 304
    )
    for hidden in (
        "staticfiles.json",
        "collected-from",
        "",
        "../secrets/secret_key",
        "%2e%2e/version.json",
    ):
        assert ask(desk, "GET", f"/static/{hidden}").status == 404


def test_client_cannot_choose_its_address(desk: Desk) -> None:
    """Django logs the address the front has seen, whatever headers say."""
    log = desk.data / "logs" / "web.log"
    size = log.stat().st_size
    forged = {"x_forwarded_for": "203.0.113.9", "forwarded": "for=203.0.113.9;proto=https"}
    response = ask(desk, "GET", "/login/", x_forwarded_proto="https", **forged)
    assert response.status == 200
    wait_for(lambda: "/login/" in log.read_text()[size:])
    assert '"ip": "127.0.0.1"' in log.read_text()[size:]
    assert "203.0.113.9" not in log.read_text()[size:]


@pytest.mark.parametrize(
    ("cores", "memory_mb", "processes"),
    [(1, 64_000, 1), (2, 1000, 1), (2, 2000, 2), (16, 3000, 3), (16, 64_000, 4)],
)
def test_number_of_web_processes_depends_on_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory_mb: int, processes: int
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: cores)
    monkeypatch.setattr(machine, "memory_mb", lambda: memory_mb)
    assert machine.web_processes() == processes


def test_memory_is_limited_by_control_groups(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inner = tmp_path / "desk" / "web"
    inner.mkdir(parents=True)
    (tmp_path / "desk" / "memory.max").write_text(f"{256 * 2**20}\n")
    (inner / "memory.max").write_text("max\n")
    monkeypatch.setattr(machine, "CGROUP_ROOT", tmp_path)
    monkeypatch.setattr(machine, "_cgroup_path", lambda: "/desk/web")
    assert machine.memory_mb() == 256
