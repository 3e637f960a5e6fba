"""Upgrade, rollback, and kills at every step.

The old version is this code; the new one is a copy with a newer version number and one more
migration. Both use the environment of the tests and a copy of the data of a desk with its own
PostgreSQL.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import VERSION
from appliance.launcher import backup, datadir, manifest, upgrade_paths
from appliance.launcher.disk_watch import RESERVE_FILE
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import CODE, Desk, plain_environment

NEWER = "99.0.0"
CUT = Path(__file__).with_name("cut.py")
MIGRATION = """\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tickets", "{last}")]
    operations = [
        migrations.RunSQL("CREATE TABLE of_the_newer (word text)"),
        migrations.RunSQL("INSERT INTO of_the_newer VALUES ('new')"),
        {operations}
    ]
"""
FAILING = """migrations.RunSQL("UPDATE tickets_ticketcategory SET name = 'lost'; SELECT 1/0"),"""
CATEGORIES = "SELECT string_agg(c::text, '|' ORDER BY id) FROM tickets_ticketcategory c"


def copy_code(target: Path, version: str, operations: str | None = None) -> Path:
    """Copy the code under another version; with a migration unless ``operations`` is None."""
    target.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "tests")
    shutil.copytree(CODE / "appliance", target / "appliance", ignore=ignore)
    for name in ("launcher.py", "requirements.lock"):
        shutil.copy(CODE / name, target)
    (target / ".venv").symlink_to((CODE / ".venv").resolve())
    init = target / "appliance" / "__init__.py"
    init.write_text(re.sub(r'VERSION = ".*"', f'VERSION = "{version}"', init.read_text()))
    if operations is not None:
        folder = target / "appliance" / "tickets" / "migrations"
        last = sorted(path.stem for path in folder.glob("0*.py"))[-1]
        (folder / "9999_of_the_newer.py").write_text(
            MIGRATION.format(last=last, operations=operations)
        )
    return target


class Site:
    """A machine with an old and a new version side by side."""

    def __init__(self, folder: Path, first_start: Desk, operations: str) -> None:
        self.folder = folder
        self.old = copy_code(folder / "old", VERSION)
        self.new = copy_code(folder / "new", NEWER, operations)
        shutil.copytree(first_start.data, self.old / "var")
        (self.old / "var" / "files").mkdir(exist_ok=True)
        (self.old / "var" / "files" / "1").write_bytes(b"a file of Alice")
        self.environment = {**plain_environment(), "SKERRY_MODELS": str(folder / "none")}

    def run(self, code: Path, *arguments: str, cut: tuple[str, int] | None = None):
        command = [str(code / "launcher.py"), *arguments]
        if cut:
            command = [str(CUT), cut[0], str(cut[1]), *command]
        return subprocess.run(
            [sys.executable, *command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def upgrade(self, *options: str, cut: tuple[str, int] | None = None):
        return self.run(self.new, "upgrade", "--from", str(self.old), *options, cut=cut)

    def data(self) -> Path:
        """Return the only data directory."""
        (data,) = [path for path in (self.old / "var", self.new / "var") if path.exists()]
        return data

    def state(self) -> str:
        return json.loads((self.data() / "upgrade.json").read_text())["state"]

    def query(self, code: Path, *statements: str) -> list[str]:
        """Start the desk of this code and return the results of SQL statements."""
        desk = Desk(self.data(), **self.environment)
        desk.launcher = code / "launcher.py"
        try:
            desk.start()
            script = f"""from django.db import connection
with connection.cursor() as cursor:
    for statement in {statements!r}:
        cursor.execute(statement)
        print(cursor.fetchone()[0])"""
            result = desk.call("manage", "shell", "-v", "0", "-c", script)
            assert result.returncode == 0, result.stderr
            return result.stdout.splitlines()
        finally:
            desk.close()


@pytest.fixture
def site(first_start: Desk, scratch: Path) -> Iterator[Callable[..., Site]]:
    """Yield a function that creates machines, with ``operations`` in the new migration."""
    folders: list[Path] = []

    def make(operations: str = "") -> Site:
        folders.append(Path(tempfile.mkdtemp(dir=scratch)))
        return Site(folders[-1], first_start, operations)

    yield make
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def categories(first_start: Desk) -> str:
    """Return all categories of the old desk as one text."""
    first_start.start()
    try:
        script = f"""from django.db import connection
cursor = connection.cursor(); cursor.execute({CATEGORIES!r}); print(cursor.fetchone()[0])"""
        return first_start.call("manage", "shell", "-v", "0", "-c", script).stdout.strip()
    finally:
        first_start.close()


def test_upgrade_keeps_the_data_and_can_be_rolled_back(site, categories: str) -> None:
    machine = site()
    result = machine.upgrade()
    assert result.returncode == 0, result.stderr
    assert f"This desk is Skerry {NEWER} now" in result.stdout
    assert machine.data() == machine.new / "var" and machine.state() == "done"
    assert machine.query(machine.new, CATEGORIES, "SELECT word FROM of_the_newer") == [
        categories,
        "new",
    ]
    assert "by Skerry 99.0.0" in machine.run(machine.old, "--data", str(machine.data())).stderr

    back = machine.upgrade("--back")
    assert back.returncode == 0, back.stderr
    assert machine.data() == machine.old / "var" and machine.state() == "back"
    assert machine.query(machine.old, CATEGORIES, "SELECT to_regclass('of_the_newer')") == [
        categories,
        "None",
    ]
    assert (machine.data() / "files" / "1").read_bytes() == b"a file of Alice"
    replaced = next((machine.data() / "backups").glob("*.left"))
    assert (replaced / "PG_VERSION").exists()  # the newer database is not lost


def test_upgrade_continues_after_a_kill_at_any_step(site, categories: str) -> None:
    machine = site()
    cuts = [
        ("upgrade._write_journal", 1, "backing up"),  # journal written, nothing else
        ("backup.copy_file", 40, "backing up"),  # during the backup
        ("backup.create", 1, "backing up"),  # complete, journal not written
        ("upgrade._write_journal", 1, "migrating"),  # data of the new version, in the old folder
        ("upgrade._move_data", 1, "migrating"),
        ("runner.ensure_database", 1, "migrating"),  # servers run
        ("subprocesses.prepare", 1, "migrating"),  # migrated
        ("upgrade._wait_until_all_run", 1, "migrating"),  # everything runs
        ("upgrade._write_journal", 1, "done"),
    ]
    for function, count, state in cuts:
        killed = machine.upgrade(cut=(function, count))
        assert killed.returncode == -signal.SIGKILL, (function, killed.stdout, killed.stderr)
        assert machine.state() == state, function
        if state == "migrating":
            refused = machine.run(machine.new, "--data", str(machine.data()))
            assert "was cut short: go on with it first" in refused.stderr
    result = machine.upgrade()
    assert result.returncode == 0, result.stderr
    assert len(list((machine.data() / "backups").iterdir())) == 1
    assert machine.query(machine.new, CATEGORIES, "SELECT count(*) FROM of_the_newer") == [
        categories,
        "1",
    ]


def test_failed_upgrade_rolls_back_even_if_it_is_killed(site, categories: str) -> None:
    machine = site(FAILING)
    cuts = [
        ("upgrade._write_journal", 3),  # "going back" is in the journal
        ("backup.copy_file", 40),
        ("backup.restore", 1),
    ]
    for function, count in cuts:
        killed = machine.upgrade(cut=(function, count))
        assert killed.returncode == -signal.SIGKILL, (function, killed.stdout, killed.stderr)
        assert machine.state() == "going back"
    result = machine.upgrade()
    assert result.returncode == 1
    assert "The upgrade failed, and nothing of it is left" in result.stderr
    assert "division by zero" in result.stderr
    assert machine.data() == machine.old / "var" and machine.state() == "back"
    assert machine.query(machine.old, CATEGORIES, "SELECT to_regclass('of_the_newer')") == [
        categories,
        "None",
    ]
    assert not list(machine.data().glob("postgres.*"))


def test_old_version_starts_after_a_failed_backup(site, categories: str) -> None:
    machine = site()
    (machine.data() / "files" / "2").symlink_to("/etc/passwd")
    failed = machine.upgrade()
    assert failed.returncode == 1 and "is a link" in failed.stderr
    assert machine.data() == machine.old / "var"
    assert machine.query(machine.old, CATEGORIES) == [categories]


def test_impossible_upgrade_is_refused_before_any_change(site) -> None:
    machine = site()
    before = (machine.old / "var" / "version.json").read_text()
    refusals = {
        "is this Skerry itself": machine.run(machine.new, "upgrade", "--from", str(machine.new)),
        "is no folder of Skerry": machine.run(
            machine.new, "upgrade", "--from", str(machine.folder)
        ),
        f"is Skerry {NEWER}, newer": machine.run(
            machine.old, "upgrade", "--from", str(machine.new)
        ),
        "There is no desk in": machine.upgrade("--data", str(machine.folder / "nothing")),
        "was not upgraded from": machine.upgrade("--back"),
    }
    for message, result in refusals.items():
        assert result.returncode == 1 and message in result.stderr, result.stderr
    (machine.new / "var").mkdir()
    assert "both hold data" in machine.upgrade().stderr
    assert (machine.old / "var" / "version.json").read_text() == before
    assert not (machine.old / "var" / "upgrade.json").exists()


def test_upgrade_is_refused_on_a_full_disk(site, monkeypatch) -> None:
    machine = site()
    installation = Installation(code=machine.new, data=machine.old / "var")
    for name in ("DATABASE_URL", "DATABASE_URL_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(datadir, "free_mb", lambda path: 100)
    with pytest.raises(LauncherError, match="has 100 MB free and the upgrade needs"):
        upgrade_paths.ensure_possible(installation)


# --- the backup


@pytest.fixture
def copy_of_a_desk(site) -> tuple[Installation, Path]:
    machine = site()
    installation = Installation(code=machine.old, data=machine.old / "var")
    backup.create(installation, installation.data / "backups" / "one")
    return installation, installation.data / "backups" / "one"


def test_backup_contains_all_files_and_its_metadata(copy_of_a_desk) -> None:
    installation, folder = copy_of_a_desk
    metadata = json.loads((folder / "backup.json").read_text())
    assert metadata["skerry"] == VERSION and metadata["postgres"] == "18"
    digests = manifest.parse((folder / "SHA256SUMS").read_text())
    for part in ("postgres", "files", "secrets"):
        for path in (path for path in (installation.data / part).rglob("*") if path.is_file()):
            name = path.relative_to(installation.data).as_posix()
            if name != f"postgres/{RESERVE_FILE}":
                assert manifest.sha256_of(path) == digests[name]
    assert not [path for path in folder.rglob("*") if path.stat().st_mode & 0o077]


@pytest.mark.parametrize("name", ["secrets/secret_key", "postgres/global/pg_control"])
def test_changed_backup_is_not_restored(copy_of_a_desk, name: str) -> None:
    installation, folder = copy_of_a_desk
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    before = (installation.cluster / "global" / "pg_control").stat().st_ino
    with pytest.raises(LauncherError, match=f"{name} is not the file"):
        backup.restore(installation, folder)
    assert (installation.cluster / "global" / "pg_control").stat().st_ino == before


def test_incomplete_backup_is_refused(copy_of_a_desk) -> None:
    installation, folder = copy_of_a_desk
    (folder / "backup.json").unlink()
    with pytest.raises(LauncherError, match="holds no complete backup"):
        backup.verify(installation, folder)
