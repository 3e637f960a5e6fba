"""Two desks never share an address, and a launcher knows the desk it has started."""

import http.server
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.launcher import network, port_owner, runner
from appliance.launcher.layout import Installation
from appliance.launcher.supervisor_client import Supervisor
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import CODE, Desk, free_port, wait_for


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(code=CODE, data=tmp_path, port=free_port())


@pytest.fixture
def other_desk(installation: Installation) -> Iterator[None]:
    """Answer /healthz on the port as a desk of another launcher would."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"status": "ok", "desk": "of another launcher"}).encode())

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    server = http.server.HTTPServer(("127.0.0.1", installation.port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


def test_second_desk_on_a_port_is_refused_and_told_by_whom(desk: Desk, new_desk) -> None:
    second = new_desk()
    second.port = desk.port
    result = second.call()
    assert result.returncode == 1
    assert f"port {desk.port} is used by another desk, on {desk.data} (process" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (second.data / "postgres").exists()
    assert "No desk runs" in second.call("status").stdout
    assert desk.is_healthy()


def test_of_two_desks_started_at_once_one_starts(first_start: Desk, new_desk) -> None:
    desks = [new_desk(), new_desk()]
    for desk in desks:
        shutil.copytree(first_start.data, desk.data)
        desk.port = desks[0].port
    for desk in desks:
        desk.launch()
    wait_for(lambda: any(desk.process.poll() is not None for desk in desks), 60)
    loser, winner = sorted(desks, key=lambda desk: desk.process.poll() is None)
    assert loser.process.poll() == 1
    assert "is used by another desk" in loser.read_output()
    assert "ready" not in loser.read_output()
    wait_for(winner.is_announced, 120)
    assert winner.status("--wait", "20")["state"] == "healthy"
    assert loser.status()["state"] == "stopped"
    assert loser.call("stop").returncode == 0
    assert winner.is_healthy()


def test_launcher_is_not_ready_when_another_desk_answers(
    installation: Installation, other_desk: None
) -> None:
    health = network.health(installation, network.DESK_ID)
    assert health["status"] == "ok"
    assert not health["healthy"]
    with pytest.raises(LauncherError, match="is used by"):
        runner._is_serving(installation, Supervisor(Path("/nowhere"), ""))


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1", "localhost", "0.0.0.0", "::"])
def test_reserved_address_is_refused_until_it_is_given_back(
    installation: Installation, bind: str
) -> None:
    installation = replace(installation, bind=bind)
    try:
        socket.getaddrinfo(bind, 1, flags=socket.AI_PASSIVE)
        with network.reserved(installation):
            pass
    except (OSError, LauncherError):
        pytest.skip(f"this machine has no {bind}")
    with (
        network.reserved(installation),
        pytest.raises(LauncherError, match="is used by another program, process"),
        network.reserved(installation),
    ):
        pass
    with network.reserved(installation):
        pass


def test_ports_and_addresses_are_reserved_one_by_one(installation: Installation) -> None:
    with (
        network.reserved(installation),
        network.reserved(replace(installation, bind="127.0.0.2")),
        network.reserved(replace(installation, port=free_port())),
    ):
        pass


def test_address_of_all_ipv6_addresses_is_an_ipv6_address() -> None:
    installation = Installation(code=CODE, data=Path("/data"), bind="::", port=8137)
    assert installation.address == "http://[::1]:8137"


def test_owner_of_a_port_is_named(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.port)):
        assert "another program, process" in port_owner.describe(installation.port)
    assert port_owner.describe(installation.port) == "another program"
