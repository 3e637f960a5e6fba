"""Several processes answer on the same sockets: each can, and none is missed when it is killed."""

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


def answering(desk: Desk) -> list[int]:
    """The pids of the processes that answer."""
    found = []
    for pid in desk_processes(desk):
        with suppress(OSError):  # it ended meanwhile
            if b"--sockets" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                found.append(pid)
    return found


@pytest.fixture
def pair(desk: Desk) -> Iterator[list[int]]:
    """Two processes that have answered; whoever was stopped goes on afterwards."""
    wait_for(lambda: len(answering(desk)) == 2)
    found = answering(desk)
    yield found
    for pid in found:
        if os.path.exists(f"/proc/{pid}"):
            os.kill(pid, signal.SIGCONT)


def test_each_of_the_processes_answers(desk: Desk, pair: list[int]) -> None:
    for stopped in pair:
        os.kill(stopped, signal.SIGSTOP)
        wait_for(lambda: desk.get("/login/") == 200)  # it may have been starting still
        assert [desk.get("/login/") for _ in range(5)] == [200] * 5
        os.kill(stopped, signal.SIGCONT)


@pytest.mark.slow
def test_a_killed_process_is_replaced_and_nobody_waits_for_that(
    desk: Desk, pair: list[int]
) -> None:
    """Only what it was answering is lost; asking again is answered by the others."""
    lost: list[int] = []
    refused: list[int] = []
    over = threading.Event()

    def ask_on_and_on() -> None:
        while not over.is_set():
            if desk.get("/login/") != 200:
                lost.append(1)
                if desk.get("/login/") != 200:
                    refused.append(1)

    callers = [threading.Thread(target=ask_on_and_on) for _ in range(4)]
    for caller in callers:
        caller.start()
    os.kill(pair[0], signal.SIGKILL)
    wait_for(lambda: len(answering(desk)) == 2 and pair[0] not in answering(desk))
    over.set()
    for caller in callers:
        caller.join()
    assert len(lost) <= len(callers)
    assert not refused
    assert pair[1] in answering(desk)
    assert '"web_process_ended"' in (desk.data / "logs" / "web.log").read_text()


def test_an_address_is_waited_for_and_then_listened_on() -> None:
    port = free_port()
    taken = socket.create_server(("127.0.0.1", port))
    with pytest.raises(LauncherError, match="used by another program"):
        network.listen("127.0.0.1", port, wait_seconds=0.2)
    threading.Timer(0.3, taken.close).start()
    (bound,) = network.listen("127.0.0.1", port, wait_seconds=10)
    with bound, socket.create_connection(("127.0.0.1", port)):
        assert bound.getsockname() == ("127.0.0.1", port)


@pytest.mark.parametrize(
    ("cores", "memory_mb", "processes"),
    [(1, 64_000, 1), (2, 1000, 1), (2, 2000, 2), (16, 3000, 3), (16, 64_000, 4)],
)
def test_processes_follow_from_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory_mb: int, processes: int
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: cores)
    monkeypatch.setattr(machine, "memory_mb", lambda: memory_mb)
    assert machine.web_processes() == processes


def test_memory_is_what_the_groups_around_this_process_allow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inner = tmp_path / "desk" / "web"
    inner.mkdir(parents=True)
    (tmp_path / "desk" / "memory.max").write_text(f"{256 * 2**20}\n")
    (inner / "memory.max").write_text("max\n")
    monkeypatch.setattr(machine, "CGROUP_ROOT", tmp_path)
    monkeypatch.setattr(machine, "_cgroup_path", lambda: "/desk/web")
    assert machine.memory_mb() == 256
