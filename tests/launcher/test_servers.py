"""The database and the cache on machines of their own, as compose.offline.yml wires them."""

import secrets
from pathlib import Path

import psycopg
import pytest

from tests.launcher.conftest import Desk

DATABASE_PASSWORD, CACHE_PASSWORD = "rock-under-the-sea", "foam-on-the-sea"


@pytest.fixture(scope="module")
def passwords(scratch: Path) -> dict[str, str]:
    """A file each, the way a container is given its secrets."""
    folder = scratch / "passwords"
    folder.mkdir()
    given = {
        "DATABASE_PASSWORD": DATABASE_PASSWORD,
        "REDIS_PASSWORD": CACHE_PASSWORD,
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    for name, value in given.items():
        (folder / name).write_text(value + "\n")
    return {f"{name}_FILE": str(folder / name) for name in given}


@pytest.fixture(scope="module")
def servers(scratch: Path, passwords: dict[str, str]):
    """One launcher that is only a database, one that is only a cache."""
    started = {}
    for role in ("database", "cache"):
        started[role] = Desk(scratch / role, **passwords, SKERRY_BIND="127.0.0.1")
        started[role].start("--role", role)
    yield started
    for desk in started.values():
        desk.close()


@pytest.fixture(scope="module")
def web(scratch: Path, passwords: dict[str, str], servers: dict[str, Desk]):
    """A desk without servers of its own, told where they are but not their passwords."""
    desk = Desk(
        scratch / "web",
        **passwords,
        DATABASE_URL=f"postgresql://skerry@127.0.0.1:{servers['database'].port}/skerry",
        REDIS_URL=f"redis://skerry@127.0.0.1:{servers['cache'].port}/0",
    )
    yield desk.start("--role", "web")
    desk.close()


def test_a_desk_serves_from_servers_of_other_machines(web: Desk):
    report = web.status("--wait", "15")
    assert report["healthy"] and set(report["processes"]) == {"web"}
    assert report["health"]["database"] == report["health"]["cache"] == "ok"


def test_a_server_runs_nothing_else_and_says_so(servers: dict[str, Desk]):
    reports = {role: desk.status("--wait", "10") for role, desk in servers.items()}
    assert {role: set(report["processes"]) for role, report in reports.items()} == {
        "database": {"postgres"},
        "cache": {"valkey"},
    }
    assert all(report["healthy"] for report in reports.values())
    assert "the database is running on 127.0.0.1" in servers["database"].said()


@pytest.mark.parametrize("user", ["postgres", "skerry"])
def test_the_network_opens_no_other_way_into_the_database(servers: dict[str, Desk], user: str):
    with pytest.raises(psycopg.OperationalError, match=r"authentication failed|no pg_hba"):
        connect(servers["database"], user, "guessed")


def test_a_new_password_holds_after_a_restart(servers: dict[str, Desk], passwords: dict[str, str]):
    Path(passwords["DATABASE_PASSWORD_FILE"]).write_text("another-one")
    servers["database"].close()
    servers["database"].start("--role", "database")
    connect(servers["database"], "skerry", "another-one").close()
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        connect(servers["database"], "skerry", DATABASE_PASSWORD)


def connect(database: Desk, user: str, password: str) -> psycopg.Connection:
    return psycopg.connect(f"postgresql://{user}:{password}@127.0.0.1:{database.port}/skerry")
