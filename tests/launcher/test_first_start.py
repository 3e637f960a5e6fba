"""The first start: its output, its files and their permissions."""

import json
import stat
import tomllib

import psycopg
import pytest

from appliance import VERSION
from appliance.launcher.layout import Installation
from tests.launcher.conftest import CODE, Desk


def test_first_start_prints_the_address_and_a_set_up_link(first_start: Desk) -> None:
    output = first_start.read_output()
    assert f"Skerry {VERSION} is ready: http://127.0.0.1:{first_start.port}/" in output
    assert f"http://127.0.0.1:{first_start.port}/setup/" in output


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((CODE / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_desk_is_healthy_with_all_processes(desk: Desk) -> None:
    report = desk.status("--wait", "20")
    assert report["healthy"]
    expected = {"postgres", "valkey", "web-1", "web-2", "worker", "front"}
    assert set(report["processes"]) == expected
    assert all(info["state"] == "running" for info in report["processes"].values())


def test_only_the_front_listens_on_tcp(first_start: Desk) -> None:
    assert first_start.listening == {f"0100007F:{first_start.port:04X}"}


def test_data_directory_is_private(first_start: Desk) -> None:
    for path in [first_start.data, *first_start.data.iterdir()]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    for path in (first_start.data / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_secret_is_on_a_command_line_or_in_a_log(first_start: Desk) -> None:
    secrets = [path.read_text() for path in (first_start.data / "secrets").iterdir()]
    secrets.append(first_start.read_output().partition("/setup/")[2].split("/")[0])
    texts = [path.read_text() for path in (first_start.data / "logs").iterdir()]
    for secret in secrets:
        assert len(secret) > 20
        assert secret not in first_start.arguments
        assert not any(secret in text for text in texts)


def test_database_is_durable_and_its_role_unprivileged(desk: Desk) -> None:
    with psycopg.connect((desk.data / "secrets" / "database_url").read_text()) as connection:
        settings = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
        }
        assert set(settings.values()) == {"on"}
        assert connection.execute("SHOW listen_addresses").fetchone()[0] == ""
        rights = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = user"
        assert connection.execute(rights).fetchone() == (False, False, False)
        installed = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
    assert installed >= {
        "vector",
        "pg_trgm",
        "unaccent",
        "citext",
        "btree_gin",
        "pg_stat_statements",
        "amcheck",
    }


@pytest.mark.parametrize("user", ["skerry", "postgres"])
def test_database_refuses_a_wrong_password(desk: Desk, user: str) -> None:
    sockets = Installation(code=CODE, data=desk.data).sockets
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=str(sockets), user=user, dbname="postgres", password="wrong")


def test_second_start_keeps_the_secrets(desk: Desk, first_start: Desk) -> None:
    """``desk`` runs on a copy of the first one's data."""
    assert "first start only" in first_start.read_output()
    assert "first start only" not in desk.read_output()
    before, after = first_start.data / "secrets", desk.data / "secrets"
    for name in ("secret_key", "superuser_password", "database_password", "cache_password"):
        assert (before / name).read_text() == (after / name).read_text()
    assert json.loads((desk.data / "version.json").read_text()) == {"skerry": VERSION}
