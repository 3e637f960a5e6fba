"""The services of compose.offline.yml, run as processes of this machine."""

import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.launcher.conftest import CODE, Desk

COMPOSE = yaml.safe_load((CODE / "compose.offline.yml").read_text())
PORTS = {"db": 5432, "redis": 6379}


@pytest.fixture(scope="module")
def secrets_folder(scratch: Path) -> Path:
    """Return the folder that ``save_images.py secrets`` creates, mounted at /run/secrets."""
    folder = scratch / "secrets"
    command = [sys.executable, CODE / "scripts" / "save_images.py", "secrets", "--folder", folder]
    subprocess.run(command, check=True)
    folder.chmod(0o755)  # the launcher drops root
    return folder


@pytest.fixture(scope="module")
def servers(scratch: Path, secrets_folder: Path):
    """Yield the services db and redis, each in a launcher of its own."""
    started = {}
    for service in ("db", "redis"):
        started[service] = as_composed(service, scratch, secrets_folder)
    yield started
    for desk in started.values():
        desk.close()


@pytest.fixture(scope="module")
def web(scratch: Path, secrets_folder: Path, servers: dict[str, Desk]):
    """Yield the service web, which has no servers of its own."""
    ports = {f"{name}:{port}": f"127.0.0.1:{servers[name].port}" for name, port in PORTS.items()}
    desk = as_composed("web", scratch, secrets_folder, **ports)
    yield desk
    desk.close()


def as_composed(service: str, scratch: Path, secrets: Path, **hosts: str) -> Desk:
    """Start a service of the compose file as a process instead of a container."""
    definition = COMPOSE["services"][service]
    environment = {"SKERRY_BIND": "127.0.0.1"}
    for name, value in definition["environment"].items():
        value = re.sub(r"\$\{\w+:-(.*)\}", r"\1", value.replace("/run/secrets", str(secrets)))
        for host, address in hosts.items():
            value = value.replace(host, address)
        environment[name] = value
    return Desk(scratch / service, **environment).start(*definition["command"])


def test_web_service_uses_the_other_services(web: Desk):
    report = web.status("--wait", "15")
    assert (
        report["healthy"] and "front" in report["processes"] and "worker" not in report["processes"]
    )
    assert report["health"]["database"] == report["health"]["cache"] == "ok"


def test_database_and_cache_services_run_one_program_each(servers: dict[str, Desk]):
    reports = {name: desk.status("--wait", "10") for name, desk in servers.items()}
    assert {name: set(report["processes"]) for name, report in reports.items()} == {
        "db": {"postgres"},
        "redis": {"valkey"},
    }
    assert all(report["healthy"] for report in reports.values())
    assert "the database is running on 127.0.0.1" in servers["db"].read_output()


@pytest.mark.parametrize("user", ["postgres", "skerry"])
def test_database_refuses_a_wrong_password_over_the_network(servers: dict[str, Desk], user: str):
    with pytest.raises(psycopg.OperationalError, match=r"authentication failed|no pg_hba"):
        connect(servers["db"], user, "guessed")


def test_new_database_password_is_used_after_a_restart(
    servers: dict[str, Desk], secrets_folder: Path
):
    file = secrets_folder / "database_password"
    before = file.read_text().strip()
    file.chmod(0o644)
    file.write_text("another-one")
    servers["db"].close()
    servers["db"].start("--role", "database")
    connect(servers["db"], "skerry", "another-one").close()
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        connect(servers["db"], "skerry", before)


def connect(database: Desk, user: str, password: str) -> psycopg.Connection:
    return psycopg.connect(f"postgresql://{user}:{password}@127.0.0.1:{database.port}/skerry")
