"""A disk that is really full: data, attachments and logs, each alone. Needs root.

The ledger of acknowledged tickets is kept here, outside the database.
"""

import os
import pwd
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.launcher.http_session import HttpSession
from tests.launcher.conftest import Desk, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root; .ci/run runs it as root")
SIZES_MB = {"": 650, "files": 40, "logs": 40}  # of the data directory and two folders in it
LIST_SUBJECTS = (
    "from appliance.tickets.models import Ticket; "
    "print(*Ticket.objects.filter(subject__startswith='Ledger-').values_list('subject', flat=True))"
)


@pytest.fixture(scope="module")
def full_desk() -> Iterator["FullDesk"]:
    with tempfile.TemporaryDirectory(prefix="full-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        desk = FullDesk(Path(folder) / "data")
        try:
            desk.mount()
            desk.start("--demo")
            desk.log_in()
            yield desk
        finally:
            desk.close()
            desk.unmount()


class FullDesk(Desk):
    """A desk whose data, attachments and logs are on small disks of their own."""

    def mount(self) -> None:
        subprocess.run(["useradd", "--system", "--user-group", "skerry"], check=False)
        user = pwd.getpwnam("skerry")
        for name, megabytes in SIZES_MB.items():
            options = f"size={megabytes}m,mode=700,uid={user.pw_uid},gid={user.pw_gid}"
            (self.data / name).mkdir(exist_ok=True)
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.data / name], check=True
            )

    def unmount(self) -> None:
        for name in reversed(SIZES_MB):
            subprocess.run(["umount", "-l", self.data / name], check=False)

    def log_in(self) -> None:
        self.session = HttpSession(f"http://127.0.0.1:{self.port}")
        password = (self.data / "secrets" / "demo_password").read_text().strip()
        assert self.session.log_in("amina.yusuf@stbrannoc.example", password)
        self.ledger: list[str] = []

    def create_ticket(self) -> str:
        """Create a ticket, enter it into the ledger if it was acknowledged, return the page."""
        subject = f"Ledger-{time.monotonic_ns()}"
        fields = {"subject": subject, "description": "Words that must not be lost."}
        status, page = self.session.submit("/create-ticket/", fields)
        if status == 200 and re.search(rf"<h1[^>]*>\s*{subject}", page):
            self.ledger.append(subject)
        return page

    def is_writing(self) -> bool:
        before = len(self.ledger)
        self.create_ticket()
        return len(self.ledger) > before

    def stored_subjects(self) -> list[str]:
        return self.call("manage", "shell", "-v", "0", "-c", LIST_SUBJECTS).stdout.split()

    def fill(self, name: str) -> Path:
        """Fill the disk to the last byte."""
        filler = self.data / name / "filler"
        with filler.open("ab", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(1 << 20))
            except OSError:
                pass
        return filler

    def assert_nothing_is_lost(self) -> None:
        assert sorted(self.stored_subjects()) == sorted(self.ledger)


def test_full_data_disk_refuses_writes_and_recovers(full_desk: FullDesk) -> None:
    assert full_desk.is_writing()
    filler = full_desk.fill("")
    page = full_desk.create_ticket()
    assert "cannot be written (database)" in page
    assert "Words that must not be lost." in page
    assert full_desk.session.get("/")[0] == 200
    wait_for(lambda: full_desk.status()["processes"]["worker"]["state"] == "stopped")
    result = full_desk.call("status")
    assert result.returncode == 3
    assert re.search(
        r"The disk of the database \(.*/postgres\) is full: \d+ MB are free", result.stdout
    )
    filler.unlink()
    wait_for(full_desk.is_writing, 30)
    wait_for(lambda: full_desk.status()["healthy"], 60)
    full_desk.assert_nothing_is_lost()


def test_database_that_died_on_a_full_disk_comes_back_by_itself(full_desk: FullDesk) -> None:
    filler = full_desk.fill("")
    wait_for(lambda: not (full_desk.data / "postgres" / "skerry.reserve").exists())
    full_desk.fill("")  # something else takes the reserve as well
    os.kill(full_desk.pid("postgres"), signal.SIGKILL)
    time.sleep(5)
    assert "cannot be written (database)" in full_desk.session.get("/")[1]
    filler.unlink()
    wait_for(full_desk.is_writing, 90)
    wait_for(lambda: full_desk.status()["healthy"], 60)
    wait_for(lambda: (full_desk.data / "postgres" / "skerry.reserve").exists())
    full_desk.assert_nothing_is_lost()


def test_full_log_disk_stops_nothing(full_desk: FullDesk) -> None:
    supervisor = full_desk.supervisor_pid()
    filler = full_desk.fill("logs")
    os.kill(full_desk.pid("worker"), signal.SIGKILL)  # supervisord has something to log
    assert all(full_desk.is_writing() for _ in range(5))
    result = full_desk.call("status")
    assert result.returncode == 3 or "worker" in result.stdout
    assert "The disk of the logs" in result.stdout
    filler.unlink()
    size = (full_desk.data / "logs" / "web.log").stat().st_size
    full_desk.create_ticket()
    wait_for(lambda: (full_desk.data / "logs" / "web.log").stat().st_size > size)
    wait_for(lambda: full_desk.status()["healthy"], 60)
    assert full_desk.supervisor_pid() == supervisor
    full_desk.assert_nothing_is_lost()


def test_start_on_a_read_only_disk_names_it() -> None:
    folder = tempfile.TemporaryDirectory(prefix="full-", ignore_cleanup_errors=True)
    desk = FullDesk(Path(folder.name) / "data")
    desk.data.parent.chmod(0o755)
    try:
        desk.mount()
        (desk.data / "launcher.lock").touch()
        subprocess.run(["mount", "-o", "remount,ro", desk.data], check=True)
        result = desk.call()
        assert result.returncode == 1
        assert f"disk that holds {desk.data} cannot be written (Read-only" in result.stderr
        assert "No desk runs" in desk.call("status").stdout
        report = desk.call("doctor")
        assert report.returncode == 1
        assert "is read-only: mount it for writing" in report.stdout
    finally:
        desk.unmount()
        folder.cleanup()


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_attachments_that_cannot_be_stored_stop_nothing_else(
    full_desk: FullDesk, fault: str
) -> None:
    folder = full_desk.data / "files"
    if fault == "full":
        full_desk.fill("files")
    else:
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    assert full_desk.is_writing()
    result = full_desk.call("status")
    assert result.returncode == 3
    assert "The disk of the attachments" in result.stdout
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    (folder / "filler").unlink(missing_ok=True)
    wait_for(lambda: full_desk.status()["healthy"], 60)
