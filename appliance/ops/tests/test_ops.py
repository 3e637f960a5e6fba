import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.urls import reverse

from appliance.accounts.models import User
from appliance.ops import prepare, queries, static_files


@pytest.fixture
def prepared(monkeypatch):
    monkeypatch.setattr(prepare.static_files, "ensure_collected", lambda: None)
    return prepare.prepare


def test_health_names_every_part(client, db):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "database", "cache", "models"}
    assert set(answer.json()["models"]) == {"classifier", "sentiment", "encoder"}


def test_dead_cache_degrades_the_desk_and_keeps_it_open(client, db, dead_cache):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def test_dead_database_closes_the_desk(client, db, monkeypatch):
    monkeypatch.setattr(queries, "_database", lambda: "does not answer")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "down")


def test_frozen_database_is_told_in_bounded_time(client, db, monkeypatch):
    thaw = threading.Event()
    monkeypatch.setattr(queries, "_ask_database", thaw.wait)
    monkeypatch.setattr(queries, "PROBE_SECONDS", 0.05)
    assert client.get("/healthz").json()["database"] == "does not answer"
    thaw.set()


def test_status_page_is_for_admins(client, bob, dan):
    client.force_login(bob)
    assert client.get(reverse("status")).status_code == 403
    client.force_login(dan)
    assert "Models" in client.get(reverse("status")).content.decode()


def test_status_page_counts_who_tried_to_leave(client, dan, settings, tmp_path):
    settings.BLOCKED_CONNECTIONS_LOG = tmp_path / "refused"
    client.force_login(dan)
    assert "refused, the last" not in client.get(reverse("status")).content.decode()
    line = '{"at": 1, "host": "<b>tracker.example", "command": "work"}'
    settings.BLOCKED_CONNECTIONS_LOG.write_text(f"{line}\n{line}\n{{cut sho")
    page = client.get(reverse("status")).content.decode()
    assert "2 blocked, the last to &lt;b&gt;tracker.example" in page


def test_first_start_gives_a_set_up_link_and_later_ones_do_not(db, prepared, client, dan_later):
    path = prepared()
    assert client.get(path).status_code == 200
    dan_later()
    assert prepared() is None


@pytest.fixture
def dan_later(request):
    return lambda: request.getfixturevalue("dan")


def test_admin_from_the_environment(db, prepared, monkeypatch, tmp_path):
    (tmp_path / "password").write_text("a-rock-alone-in-the-sea\n")
    monkeypatch.setenv("SKERRY_ADMIN_EMAIL", "dan@example.org")
    monkeypatch.setenv("SKERRY_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    assert prepared() is None
    assert User.objects.get().check_password("a-rock-alone-in-the-sea")


def test_admin_without_password_is_refused_in_words(db, prepared, monkeypatch):
    monkeypatch.setenv("SKERRY_ADMIN_EMAIL", "dan@example.org")
    with pytest.raises(CommandError, match="SKERRY_ADMIN_PASSWORD_FILE"):
        prepared()


def test_weak_admin_password_is_refused_in_words(db, monkeypatch, tmp_path, prepared):
    (tmp_path / "password").write_text("1234")
    monkeypatch.setenv("SKERRY_ADMIN_EMAIL", "dan@example.org")
    monkeypatch.setenv("SKERRY_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    with pytest.raises(CommandError, match="too short"):
        call_command("prepare")


def test_prepare_ends_with_one_line_of_json(db, prepared, capsys, dan):
    call_command("prepare")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["setup_path"] is None


def test_old_pgvector_is_named_with_the_remedy(db, monkeypatch):
    monkeypatch.setattr(prepare, "MIN_PGVECTOR", (99, 0))
    with pytest.raises(CommandError, match=r"has pgvector 0\..* Install pgvector 99\.0"):
        prepare._check_extensions()


def test_migrations_are_complete(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_static_files_of_a_bundle_are_taken_when_their_sources_are_the_same(
    settings, tmp_path, monkeypatch
):
    settings.STATIC_ROOT, settings.BUNDLED_STATIC_ROOT = tmp_path / "carried", tmp_path / "none"
    static_files.ensure_collected()
    settings.STATIC_ROOT, settings.BUNDLED_STATIC_ROOT = tmp_path / "here", tmp_path / "carried"
    collected = []
    monkeypatch.setattr(static_files, "call_command", lambda *_, **__: collected.append(1))
    static_files.ensure_collected()
    assert collected == []
    made = {path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*")}
    assert made == {p.relative_to(tmp_path / "carried") for p in (tmp_path / "carried").rglob("*")}

    (tmp_path / "carried" / static_files.SOURCES_DIGEST).write_text("made of something else")
    (tmp_path / "here" / static_files.SOURCES_DIGEST).unlink()
    static_files.ensure_collected()
    assert collected == [1]


def test_a_database_of_another_version_is_refused_by_name(db, prepared):
    MigrationRecorder(connection).record_applied("tickets", "0099_of_a_newer_version")
    with pytest.raises(CommandError, match=r"tickets\.0099_of_a_newer_version.*newer"):
        prepared()
