"""Several web processes share the same sockets; a killed one is replaced."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.launcher import machine, network
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import Desk, desk_processes, free_port, wait_for


def web_pids(desk: Desk) -> list[int]:
    """Return the pids of the web processes."""
    pids = []
    for pid in desk_processes(desk):
        with suppress(OSError):  # it ended meanwhile
            if b"--sockets" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                pids.append(pid)
    return pids


@pytest.fixture
def pair(desk: Desk) -> Iterator[list[int]]:
    """Yield the pids of both web processes; continue a stopped one afterwards."""
    wait_for(lambda: len(web_pids(desk)) == 2)
    pids = web_pids(desk)
    yield pids
    for pid in pids:
        if os.path.exists(f"/proc/{pid}"):
            os.kill(pid, signal.SIGCONT)


def test_each_web_process_answers(desk: Desk, pair: list[int]) -> None:
    for stopped in pair:
        os.kill(stopped, signal.SIGSTOP)
        wait_for(lambda: desk.get("/login/") == 200)  # the other one may still be starting
        assert [desk.get("/login/") for _ in range(5)] == [200] * 5
        os.kill(stopped, signal.SIGCONT)


@pytest.mark.slow
def test_killed_web_process_is_replaced_without_an_outage(desk: Desk, pair: list[int]) -> None:
    """Only its current requests fail; a second attempt reaches another process."""
    first_failures: list[int] = []
    second_failures: list[int] = []
    is_finished = threading.Event()

    def send_requests() -> None:
        while not is_finished.is_set():
            if desk.get("/login/") != 200:
                first_failures.append(1)
                if desk.get("/login/") != 200:
                    second_failures.append(1)

    clients = [threading.Thread(target=send_requests) for _ in range(4)]
    for client in clients:
        client.start()
    os.kill(pair[0], signal.SIGKILL)
    wait_for(lambda: len(web_pids(desk)) == 2 and pair[0] not in web_pids(desk))
    is_finished.set()
    for client in clients:
        client.join()
    assert len(first_failures) <= len(clients)
    assert not second_failures
    assert pair[1] in web_pids(desk)
    assert '"web_process_ended"' in (desk.data / "logs" / "web.log").read_text()


def test_listen_waits_for_an_address_in_use() -> None:
    port = free_port()
    other_server = socket.create_server(("127.0.0.1", port))
    with pytest.raises(LauncherError, match="used by another program"):
        network.listen("127.0.0.1", port, wait_seconds=0.2)
    threading.Timer(0.3, other_server.close).start()
    (bound,) = network.listen("127.0.0.1", port, wait_seconds=10)
    with bound, socket.create_connection(("127.0.0.1", port)):
        assert bound.getsockname() == ("127.0.0.1", port)


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
