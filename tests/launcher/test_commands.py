"""Commands on a running desk, and a desk that uses the servers of its site."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launcher.conftest import Desk, free_port, wait_for


def test_doctor_passes_on_a_running_desk(desk: Desk) -> None:
    report = desk.call("doctor")
    lines = {line.split()[1]: line.split()[0] for line in report.stdout.splitlines()}
    assert report.returncode == 0, report.stdout
    checks = {"python", "packages", "memory", "processor", "models", "disk", "data", "port"}
    assert checks <= set(lines)
    assert lines["data"] == "ok"
    assert f"http://127.0.0.1:{desk.port} is served by this desk" in report.stdout


def test_doctor_fails_on_a_port_that_is_taken(desk: Desk, new_desk) -> None:
    other = new_desk()
    other.port = desk.port
    report = other.call("doctor")
    assert report.returncode == 1
    assert "choose one with --port" in report.stdout


def test_manage_runs_on_the_running_desk(desk: Desk) -> None:
    result = desk.call("manage", "shell", "-v", "0", "-c", "print('tickets', 6 * 7)")
    assert result.stdout.strip() == "tickets 42", result.stderr


def test_output_of_a_command_is_separate_from_its_log(desk: Desk) -> None:
    code = "import logging; logging.getLogger('x').warning('logged'); print('printed')"
    result = desk.call("manage", "shell", "-v", "0", "-c", code)
    assert result.stdout == "printed\n"
    assert '"logged"' in result.stderr


def test_manage_returns_the_status_of_the_command(desk: Desk) -> None:
    assert desk.call("manage", "no-such-command").returncode == 1


@pytest.fixture
def redis_url(scratch: Path) -> Iterator[str]:
    """Debian's redis-server, as a site would run it: TCP and a password."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", "pw", "--save", ""]
    server = subprocess.Popen(
        [program, *options], cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield f"redis://:pw@127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


def test_second_machine_works_on_the_servers_of_the_site(
    desk: Desk, new_desk, redis_url: str
) -> None:
    """Use the PostgreSQL of ``desk`` and Debian's Redis as the servers of the site."""
    second = new_desk(
        DATABASE_URL_FILE=str(desk.data / "secrets" / "database_url"),
        SECRET_KEY_FILE=str(desk.data / "secrets" / "secret_key"),
        REDIS_URL=redis_url,
    )
    second.start("--role", "web")
    report = second.status("--wait", "10")
    assert report["healthy"]
    assert set(report["processes"]) == {"front", "web-1", "web-2"}
    assert not (second.data / "postgres").exists()
    assert not (second.data / "run" / "valkey.conf").exists()


def test_role_worker_serves_no_pages(desk: Desk, new_desk) -> None:
    second = new_desk(
        DATABASE_URL_FILE=str(desk.data / "secrets" / "database_url"),
        REDIS_URL_FILE=str(desk.data / "secrets" / "redis_url"),
        SECRET_KEY_FILE=str(desk.data / "secrets" / "secret_key"),
    )
    second.start("--role", "worker")
    assert set(second.status()["processes"]) == {"worker"}
    assert second.get("/healthz") == 0


@pytest.fixture
def plain_postgres(scratch: Path) -> Iterator[str]:
    """Debian's PostgreSQL, without pgvector, as a site might offer it."""
    paths = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not paths:
        pytest.skip("Debian's postgresql is not installed")
    tools, data, port = paths[-1].parent, scratch / "plain", free_port()
    subprocess.run(
        [tools / "initdb", "-D", data, "-U", "site", "-A", "trust", "-N"],
        check=True,
        capture_output=True,
    )
    options = f"-p {port} -k {scratch} -c listen_addresses=127.0.0.1"
    control = [tools / "pg_ctl", "-D", data, "-w", "-l", scratch / "plain.log"]
    subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True)
    yield f"postgresql://site@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "fast", "stop"], check=True, capture_output=True)


def test_site_database_without_pgvector_is_refused_without_a_traceback(
    plain_postgres: str, new_desk
) -> None:
    if list(Path("/usr/share/postgresql").glob("*/extension/vector.control")):
        pytest.skip("this PostgreSQL has pgvector")
    desk = new_desk(DATABASE_URL=plain_postgres)
    result = desk.call()
    assert result.returncode == 1
    assert "pgvector" in result.stderr
    assert "Traceback" not in result.stderr


def test_first_admin_from_the_environment_needs_no_set_up_link(
    first_start: Desk, new_desk, scratch: Path
) -> None:
    password = scratch / "admin-password"
    password.write_text("correct horse battery staple\n")
    desk = new_desk(SKERRY_ADMIN_EMAIL="dan@desk.example", SKERRY_ADMIN_PASSWORD_FILE=str(password))
    shutil.copytree(first_start.data, desk.data)
    desk.start()
    assert "/setup/" not in desk.read_output()
    count = "from appliance.accounts.models import User; print(User.objects.count())"
    wait_for(desk.is_healthy)
    assert desk.call("manage", "shell", "-v", "0", "-c", count).stdout.strip() == "1"
