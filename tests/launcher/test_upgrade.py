"""From one version to the next: over, back, and cut at every step.

The old version is this code as it is; the new one is a copy that calls itself newer and brings one
more migration. Both run from the environment of the tests, on a copy of a desk that was started
once before, with its own PostgreSQL.
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
        {more}
    ]
"""
FAILING = """migrations.RunSQL("UPDATE tickets_ticketcategory SET name = 'lost'; SELECT 1/0"),"""
KEPT = "SELECT string_agg(c::text, '|' ORDER BY id) FROM tickets_ticketcategory c"


def copied(target: Path, version: str, more: str | None = None) -> Path:
    """The code in another folder under another version; with a migration, when ``more`` is one."""
    target.mkdir()
    skipped = shutil.ignore_patterns("__pycache__", "tests")
    shutil.copytree(CODE / "appliance", target / "appliance", ignore=skipped)
    for name in ("launcher.py", "requirements.lock"):
        shutil.copy(CODE / name, target)
    (target / ".venv").symlink_to((CODE / ".venv").resolve())
    init = target / "appliance" / "__init__.py"
    init.write_text(re.sub(r'VERSION = ".*"', f'VERSION = "{version}"', init.read_text()))
    if more is not None:
        folder = target / "appliance" / "tickets" / "migrations"
        last = sorted(path.stem for path in folder.glob("0*.py"))[-1]
        (folder / "9999_of_the_newer.py").write_text(MIGRATION.format(last=last, more=more))
    return target


class Site:
    """An operator's machine: an old and a new version side by side, and what is typed there."""

    def __init__(self, place: Path, first_start: Desk, more: str) -> None:
        self.place = place
        self.old = copied(place / "old", VERSION)
        self.new = copied(place / "new", NEWER, more)
        shutil.copytree(first_start.data, self.old / "var")
        (self.old / "var" / "files").mkdir(exist_ok=True)
        (self.old / "var" / "files" / "1").write_bytes(b"what Alice sent")
        self.environment = {**plain_environment(), "SKERRY_MODELS": str(place / "none")}

    def run(self, code: Path, *arguments: str, cut: tuple[str, int] | None = None):
        words = [str(code / "launcher.py"), *arguments]
        if cut:
            words = [str(CUT), cut[0], str(cut[1]), *words]
        return subprocess.run(
            [sys.executable, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def upgrade(self, *options: str, cut: tuple[str, int] | None = None):
        return self.run(self.new, "upgrade", "--from", str(self.old), *options, cut=cut)

    def data(self) -> Path:
        """Where it lies now; it is in one place only."""
        (found,) = [path for path in (self.old / "var", self.new / "var") if path.exists()]
        return found

    def state(self) -> str:
        return json.loads((self.data() / "upgrade.json").read_text())["state"]

    def answers(self, code: Path, *questions: str) -> list[str]:
        """Ask the desk of this code, started for it; it must come up healthy."""
        desk = Desk(self.data(), **self.environment)
        desk.launcher = code / "launcher.py"
        try:
            desk.start()
            ask = f"""from django.db import connection
with connection.cursor() as cursor:
    for question in {questions!r}:
        cursor.execute(question)
        print(cursor.fetchone()[0])"""
            said = desk.call("manage", "shell", "-v", "0", "-c", ask)
            assert said.returncode == 0, said.stderr
            return said.stdout.splitlines()
        finally:
            desk.close()


@pytest.fixture
def site(first_start: Desk, scratch: Path) -> Iterator[Callable[..., Site]]:
    """Makes machines; ``more`` is what else the new version's migration does."""
    made: list[Path] = []

    def make(more: str = "") -> Site:
        made.append(Path(tempfile.mkdtemp(dir=scratch)))
        return Site(made[-1], first_start, more)

    yield make
    for place in made:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def categories(first_start: Desk) -> str:
    """What the old desk holds, as one text."""
    first_start.start()
    try:
        ask = f"""from django.db import connection
cursor = connection.cursor(); cursor.execute({KEPT!r}); print(cursor.fetchone()[0])"""
        return first_start.call("manage", "shell", "-v", "0", "-c", ask).stdout.strip()
    finally:
        first_start.close()


def test_a_desk_goes_over_with_its_data_and_can_come_back(site, categories: str) -> None:
    here = site()
    done = here.upgrade()
    assert done.returncode == 0, done.stderr
    assert f"This desk is Skerry {NEWER} now" in done.stdout
    assert here.data() == here.new / "var" and here.state() == "done"
    assert here.answers(here.new, KEPT, "SELECT word FROM of_the_newer") == [categories, "new"]
    assert "by Skerry 99.0.0" in here.run(here.old, "--data", str(here.data())).stderr

    back = here.upgrade("--back")
    assert back.returncode == 0, back.stderr
    assert here.data() == here.old / "var" and here.state() == "back"
    assert here.answers(here.old, KEPT, "SELECT to_regclass('of_the_newer')") == [
        categories,
        "None",
    ]
    assert (here.data() / "files" / "1").read_bytes() == b"what Alice sent"
    left = next((here.data() / "backups").glob("*.left"))
    assert (left / "PG_VERSION").exists()  # what was written meanwhile is not lost


def test_a_cut_at_any_step_is_gone_on_from(site, categories: str) -> None:
    here = site()
    cuts = [
        ("upgrade._write_journal", 1, "backing up"),  # written down, nothing done
        ("backup.copy_file", 40, "backing up"),  # in the middle of the backup
        ("backup.create", 1, "backing up"),  # whole, not written down
        ("upgrade._write_journal", 1, "migrating"),  # the data is the new one's, the folder is not
        ("upgrade._move_data", 1, "migrating"),
        ("runner.ensure_database", 1, "migrating"),  # servers run
        ("subprocesses.prepare", 1, "migrating"),  # migrated
        ("upgrade._wait_until_all_run", 1, "migrating"),  # all runs
        ("upgrade._write_journal", 1, "done"),
    ]
    for where, count, state in cuts:
        cut = here.upgrade(cut=(where, count))
        assert cut.returncode == -signal.SIGKILL, (where, cut.stdout, cut.stderr)
        assert here.state() == state, where
        if state == "migrating":
            refused = here.run(here.new, "--data", str(here.data()))
            assert "was cut short: go on with it first" in refused.stderr
    done = here.upgrade()
    assert done.returncode == 0, done.stderr
    assert len(list((here.data() / "backups").iterdir())) == 1
    assert here.answers(here.new, KEPT, "SELECT count(*) FROM of_the_newer") == [categories, "1"]


def test_a_failure_goes_back_however_often_it_is_cut(site, categories: str) -> None:
    here = site(FAILING)
    cuts = [
        ("upgrade._write_journal", 3),  # "going back" is written down
        ("backup.copy_file", 40),
        ("backup.restore", 1),
    ]
    for where, count in cuts:
        cut = here.upgrade(cut=(where, count))
        assert cut.returncode == -signal.SIGKILL, (where, cut.stdout, cut.stderr)
        assert here.state() == "going back"
    done = here.upgrade()
    assert done.returncode == 1
    assert "The upgrade failed, and nothing of it is left" in done.stderr
    assert "division by zero" in done.stderr
    assert here.data() == here.old / "var" and here.state() == "back"
    assert here.answers(here.old, KEPT, "SELECT to_regclass('of_the_newer')") == [
        categories,
        "None",
    ]
    assert not list(here.data().glob("postgres.*"))


def test_a_backup_that_fails_leaves_the_old_desk_free_to_start(site, categories: str) -> None:
    here = site()
    (here.data() / "files" / "2").symlink_to("/etc/passwd")
    failed = here.upgrade()
    assert failed.returncode == 1 and "is a link" in failed.stderr
    assert here.data() == here.old / "var"
    assert here.answers(here.old, KEPT) == [categories]


def test_what_stands_against_it_is_told_before_anything_is_touched(site) -> None:
    here = site()
    before = (here.old / "var" / "version.json").read_text()
    refusals = {
        "is this Skerry itself": here.run(here.new, "upgrade", "--from", str(here.new)),
        "is no folder of Skerry": here.run(here.new, "upgrade", "--from", str(here.place)),
        f"is Skerry {NEWER}, newer": here.run(here.old, "upgrade", "--from", str(here.new)),
        "There is no desk in": here.upgrade("--data", str(here.place / "nothing")),
        "was not upgraded from": here.upgrade("--back"),
    }
    for said, run in refusals.items():
        assert run.returncode == 1 and said in run.stderr, run.stderr
    (here.new / "var").mkdir()
    assert "both hold data" in here.upgrade().stderr
    assert (here.old / "var" / "version.json").read_text() == before
    assert not (here.old / "var" / "upgrade.json").exists()


def test_a_full_disk_is_told_before_the_desk_is_stopped(site, monkeypatch) -> None:
    here = site()
    installation = Installation(code=here.new, data=here.old / "var")
    for name in ("DATABASE_URL", "DATABASE_URL_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(datadir, "free_mb", lambda path: 100)
    with pytest.raises(LauncherError, match="has 100 MB free and the upgrade needs"):
        upgrade_paths.ensure_possible(installation)


# --- the backup by itself


@pytest.fixture
def copy_of_a_desk(site) -> tuple[Installation, Path]:
    here = site()
    installation = Installation(code=here.old, data=here.old / "var")
    backup.create(installation, installation.data / "backups" / "one")
    return installation, installation.data / "backups" / "one"


def test_a_backup_holds_the_desk_and_says_what_it_is(copy_of_a_desk) -> None:
    installation, folder = copy_of_a_desk
    card = json.loads((folder / "backup.json").read_text())
    assert card["skerry"] == VERSION and card["postgres"] == "18"
    listed = manifest.parse((folder / "SHA256SUMS").read_text())
    for part in ("postgres", "files", "secrets"):
        for path in (path for path in (installation.data / part).rglob("*") if path.is_file()):
            assert (
                manifest.sha256_of(path) == listed[path.relative_to(installation.data).as_posix()]
            )
    assert not [path for path in folder.rglob("*") if path.stat().st_mode & 0o077]


@pytest.mark.parametrize("name", ["secrets/secret_key", "postgres/global/pg_control"])
def test_a_backup_that_changed_is_never_put_back(copy_of_a_desk, name: str) -> None:
    installation, folder = copy_of_a_desk
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    before = (installation.cluster / "global" / "pg_control").stat().st_ino
    with pytest.raises(LauncherError, match=f"{name} is not the file"):
        backup.restore(installation, folder)
    assert (installation.cluster / "global" / "pg_control").stat().st_ino == before


def test_a_backup_cut_short_is_no_backup(copy_of_a_desk) -> None:
    installation, folder = copy_of_a_desk
    (folder / "backup.json").unlink()
    with pytest.raises(LauncherError, match="holds no complete backup"):
        backup.verify(installation, folder)
