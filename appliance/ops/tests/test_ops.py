import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.urls import reverse
from django.utils import timezone

from appliance.accounts.models import User
from appliance.ops import prepare, queries, static_files
from appliance.ops.models import Sample


@pytest.fixture
def run_prepare(monkeypatch):
    monkeypatch.setattr(prepare.static_files, "ensure_collected", lambda: None)
    monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)  # of the browser tests
    return prepare.prepare


def test_health_names_every_part(client, db):
    response = client.get("/healthz")
    assert response.status_code == 200
    assert set(response.json()) == {"status", "database", "cache", "disks", "models", "desk"}
    assert set(response.json()["models"]) == {"classifier", "sentiment", "encoder"}


def test_dead_cache_degrades_health_and_serving_continues(client, db, dead_cache):
    response = client.get("/healthz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")


def test_dead_database_means_down(client, db, monkeypatch):
    monkeypatch.setattr(queries, "_database_state", lambda: "does not answer")
    response = client.get("/healthz")
    assert (response.status_code, response.json()["status"]) == (503, "down")


def test_frozen_database_is_reported_in_bounded_time(client, db, monkeypatch):
    thaw = threading.Event()
    monkeypatch.setattr(queries, "_ping_database", thaw.wait)
    monkeypatch.setattr(queries, "PROBE_SECONDS", 0.05)
    assert client.get("/healthz").json()["database"] == "does not answer"
    thaw.set()


def test_status_page_is_for_admins(client, bob, dan):
    client.force_login(bob)
    assert client.get(reverse("status")).status_code == 403
    client.force_login(dan)
    assert "Models" in client.get(reverse("status")).content.decode()


def test_status_page_counts_blocked_connections(client, dan, settings, tmp_path):
    settings.BLOCKED_CONNECTIONS_LOG = tmp_path / "refused"
    client.force_login(dan)
    assert "refused, the last" not in client.get(reverse("status")).content.decode()
    line = '{"at": 1, "host": "<b>tracker.example", "command": "work"}'
    settings.BLOCKED_CONNECTIONS_LOG.write_text(f"{line}\n{line}\n{{cut sho")
    page = client.get(reverse("status")).content.decode()
    assert "2 blocked, the last to &lt;b&gt;tracker.example" in page


def test_only_the_first_start_returns_a_setup_link(db, run_prepare, client, dan_later):
    path = run_prepare()
    assert client.get(path).status_code == 200
    dan_later()
    assert run_prepare() is None


@pytest.fixture
def dan_later(request):
    return lambda: request.getfixturevalue("dan")


def test_admin_is_created_from_the_environment(db, run_prepare, monkeypatch, tmp_path):
    (tmp_path / "password").write_text("a-rock-alone-in-the-sea\n")
    monkeypatch.setenv("SKERRY_ADMIN_EMAIL", "dan@example.org")
    monkeypatch.setenv("SKERRY_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    assert run_prepare() is None
    assert User.objects.get().check_password("a-rock-alone-in-the-sea")


def test_admin_without_password_is_refused_with_a_message(db, run_prepare, monkeypatch):
    monkeypatch.setenv("SKERRY_ADMIN_EMAIL", "dan@example.org")
    with pytest.raises(CommandError, match="SKERRY_ADMIN_PASSWORD_FILE"):
        run_prepare()


def test_weak_admin_password_is_refused_with_a_message(db, monkeypatch, tmp_path, run_prepare):
    (tmp_path / "password").write_text("1234")
    monkeypatch.setenv("SKERRY_ADMIN_EMAIL", "dan@example.org")
    monkeypatch.setenv("SKERRY_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    with pytest.raises(CommandError, match="too short"):
        call_command("prepare")


def test_prepare_ends_with_one_line_of_json(db, run_prepare, capsys, dan):
    call_command("prepare")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["setup_path"] is None


def test_error_names_an_old_pgvector_and_the_remedy(db, monkeypatch):
    monkeypatch.setattr(prepare, "MIN_PGVECTOR", (99, 0))
    with pytest.raises(CommandError, match=r"has pgvector 0\..* Install pgvector 99\.0"):
        prepare._check_extensions()


def test_migrations_are_complete(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_bundled_static_files_are_copied_if_their_sources_are_the_same(
    settings, tmp_path, monkeypatch
):
    settings.STATIC_ROOT, settings.BUNDLED_STATIC_ROOT = tmp_path / "bundled", tmp_path / "none"
    static_files.ensure_collected()
    settings.STATIC_ROOT, settings.BUNDLED_STATIC_ROOT = (
        tmp_path / "collected",
        tmp_path / "bundled",
    )
    collected = []
    monkeypatch.setattr(static_files, "call_command", lambda *_, **__: collected.append(1))
    static_files.ensure_collected()
    assert collected == []
    assert paths_in(tmp_path / "collected") == paths_in(tmp_path / "bundled")

    (tmp_path / "bundled" / static_files.SOURCES_DIGEST).write_text("made of something else")
    (tmp_path / "collected" / static_files.SOURCES_DIGEST).unlink()
    static_files.ensure_collected()
    assert collected == [1]


def paths_in(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def test_database_of_a_newer_version_is_refused_by_name(db, run_prepare, acting_as_owner):
    with acting_as_owner():
        MigrationRecorder(connection).record_applied("tickets", "0099_of_a_newer_version")
    with pytest.raises(CommandError, match=r"tickets\.0099_of_a_newer_version.*newer"):
        run_prepare()


def test_weak_secret_key_is_refused_with_its_cause(db, settings):
    settings.SECRET_KEY = "x" * 44
    with pytest.raises(CommandError, match=r"Your SECRET_KEY has less than 50 .*security\.W009"):
        prepare._check_settings()


def test_settings_of_a_normal_start_are_accepted(db):
    prepare._check_settings()


@pytest.mark.parametrize(
    ("minutes", "is_reported"), [(-5, False), (2, False), (60 * 24 * 400, True)]
)
def test_data_from_the_future_is_reported(dan_client, minutes, is_reported):
    Sample.objects.create(at=timezone.now() + timedelta(minutes=minutes))
    Sample.objects.create(at=timezone.now())  # written after the clock was set back
    page = dan_client.get(reverse("status")).content.decode()
    assert ("behind the data" in page) == is_reported
