"""A full disk: pages are read, writes are refused with a reason, nothing typed is lost."""

import errno
import os

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.urls import reverse
from psycopg.errors import DiskFull

from appliance import disks
from appliance.core import disk_space
from appliance.files.models import StoredFile
from appliance.tickets.models import Message, Ticket

TICKET = {"subject": "Lost?", "description": "A long story about\na <b>printer</b> on ward 3."}


def fill(monkeypatch, folder: str, **values: int) -> None:
    """Make the disk of one folder below the data directory a full disk of its own."""
    statvfs, stat = os.statvfs, os.stat
    numbers = {"f_bavail": 0, "f_flag": 0} | values

    class FullDisk:
        def __getattr__(self, name: str) -> int:
            return numbers.get(name, getattr(statvfs("/"), name))

    class OwnDevice:
        st_dev = hash(folder)

    def is_inside(path: object) -> bool:
        return folder in os.fspath(path).split("/")

    monkeypatch.setattr(disks.os, "statvfs", lambda p: FullDisk() if is_inside(p) else statvfs(p))
    monkeypatch.setattr(disks, "_device", lambda p: folder if is_inside(p) else stat(p).st_dev)


@pytest.fixture
def data(settings, tmp_path):
    for name in ("postgres", "files", "logs"):
        (tmp_path / name).mkdir()
    settings.DATA = tmp_path
    return tmp_path


@pytest.fixture(params=[{}, {"f_bavail": 10**9, "f_flag": os.ST_RDONLY}, {"f_favail": 0}])
def full_database_disk(request, data, monkeypatch):
    fill(monkeypatch, "postgres", **request.param)


@pytest.fixture
def alice_client(client, alice):
    client.force_login(alice)
    return client


def test_pages_are_read_while_the_database_disk_is_full(alice_client, ticket, full_database_disk):
    assert alice_client.get(reverse("ticket", args=[ticket.pk])).status_code == 200
    assert alice_client.get(reverse("dashboard")).status_code == 200


def test_write_is_refused_and_returns_what_was_typed(alice_client, full_database_disk):
    response = alice_client.post(reverse("create-ticket"), TICKET)
    page = response.content.decode()
    assert response.status_code == 507
    assert "is full or cannot be written (database)" in page
    assert "A long story about\na &lt;b&gt;printer&lt;/b&gt; on ward 3." in page
    assert f'action="{reverse("create-ticket")}"' in page
    assert not Ticket.objects.exists()


def test_refusal_never_returns_a_password(client, db, full_database_disk):
    data = {"email": "eve@example.org", "password1": "correct horse battery staple"}
    assert b"horse" not in client.post(reverse("register"), data).content


def test_admin_can_sign_in_while_the_disk_is_full(client, dan, full_database_disk):
    data = {"login": dan.email, "password": "a-rock-alone-in-the-sea"}
    assert client.post(reverse("account_login"), data).status_code == 302


def test_admin_is_warned_on_every_page(client, dan, bob, data, monkeypatch):
    fill(monkeypatch, "logs")
    client.force_login(dan)
    assert "Log lines are lost" in client.get(reverse("dashboard")).content.decode()
    assert "full" in client.get(reverse("status")).content.decode()
    client.force_login(bob)
    assert "Log lines are lost" not in client.get(reverse("dashboard")).content.decode()


def test_admin_is_warned_in_the_database_admin_too(dan_client, data, monkeypatch):
    fill(monkeypatch, "logs")
    assert "Log lines are lost" in dan_client.get(reverse("admin:index")).content.decode()


def test_agent_reads_before_typing_that_nothing_can_be_saved(client, bob, full_database_disk):
    client.force_login(bob)
    page = client.get(reverse("dashboard")).content.decode()
    assert "Nothing can be saved at the moment" in page


def test_admin_is_warned_before_the_disk_is_full(dan_client, data, monkeypatch):
    fill(monkeypatch, "postgres", f_bavail=300 * 2**20 // os.statvfs("/").f_frsize)
    page = dan_client.get(reverse("dashboard")).content.decode()
    assert "is nearly full: 300 MB are free" in page


def test_full_disk_of_attachments_refuses_files_and_keeps_the_text(
    alice_client, ticket, data, monkeypatch
):
    fill(monkeypatch, "files")
    url = reverse("reply", args=[ticket.pk])
    upload = SimpleUploadedFile("screen.txt", b"text")
    page = alice_client.post(url, {"body": "See the file.", "files": upload}).content.decode()
    assert "the disk for attachments is full" in page
    assert "See the file." in page
    assert alice_client.post(url, {"body": "Without a file."}).status_code == 302
    assert Message.objects.get().body == "Without a file."


def test_disk_that_fills_while_a_file_is_written_keeps_no_half_file(
    alice_client, ticket, data, monkeypatch
):
    def write(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("appliance.files.storage.os.fsync", write)
    url = reverse("reply", args=[ticket.pk])
    upload = SimpleUploadedFile("screen.txt", b"text")
    page = alice_client.post(url, {"body": "See the file.", "files": upload}).content.decode()
    assert "the disk for attachments is full" in page
    assert not StoredFile.objects.exists()
    assert not [path for path in (data / "files").rglob("*") if path.is_file()]


def test_full_disk_of_an_external_database_is_named(alice_client, monkeypatch):
    def create(**fields: object) -> None:
        raise OperationalError("could not extend file") from DiskFull()

    monkeypatch.setattr("appliance.tickets.services.create_ticket", create)
    response = alice_client.post(reverse("create-ticket"), TICKET)
    assert response.status_code == 507
    assert "A long story about" in response.content.decode()


def test_full_disk_for_temporary_files_is_named(rf, alice_client, monkeypatch):
    def parse(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest._load_post_and_files", parse)
    alice_client.raise_request_exception = False
    response = alice_client.post(reverse("create-ticket"), TICKET)
    assert response.status_code == 507
    assert "temporary files" in response.content.decode()


def test_health_names_the_full_disk_and_pages_are_served(client, db, full_database_disk):
    response = client.get("/healthz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["disks"].startswith("database: ")


def test_one_disk_is_listed_once_with_all_its_uses(data):
    (disk,) = disk_space.list_disks()
    assert disk.uses == ("database", "attachments", "logs")
