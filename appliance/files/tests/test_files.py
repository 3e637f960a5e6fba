import os
import stat
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import Http404
from django.utils.datastructures import MultiValueDict

from appliance.core.errors import BadInputError
from appliance.core.models import SiteSettings
from appliance.files import content, disk, queries, services
from appliance.files.forms import FormWithFiles, UploadsField
from appliance.files.models import StoredFile

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def upload(name: str = "x.png", data: bytes = PNG, said: str = "") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type=said or "application/x-lie")


def on_disk() -> list:
    return [path for path in disk.root().glob("??/*")]


@pytest.fixture(autouse=True)
def own_disk(settings, tmp_path):
    settings.DATA = tmp_path


@pytest.fixture
def limit_of_one_mb(db):
    SiteSettings.objects.create(max_attachment_mb=1)


def test_what_is_stored_comes_back_byte_for_byte(bob):
    stored = services.store(upload=upload(data=PNG * 40_000), by=bob)
    with queries.open_file(stored) as file:
        assert file.read() == PNG * 40_000
    assert (stored.size, stored.content_type) == (len(PNG) * 40_000, "image/png")


def test_name_never_reaches_the_disk(bob):
    stored = services.store(upload=upload("../../etc/пароль.png"), by=bob)
    path = disk.path_of(stored.pk)
    assert path.name == str(stored.pk) and on_disk() == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stored.name == "пароль.png"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
        (b"GIF89a" + b"\0" * 20, "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/plain"),
        (b"<!doctype html><script>alert(1)</script>", "text/plain"),
        ("Grüße, ".encode() * 3000, "text/plain"),
        (b"\x00\x01\x02", "application/octet-stream"),
    ],
)
def test_type_is_read_from_the_bytes(data, kind):
    assert content.type_of(data[: disk.HEAD_BYTES]) == kind


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("C:\\Users\\me\\scan.pdf", "scan.pdf"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("..", "file"),
    ],
)
def test_name_is_safe_to_show(name, shown):
    assert content.safe_name(name) == shown


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(bob, limit_of_one_mb):
    with pytest.raises(BadInputError, match="1 MB"):
        services.store(upload=upload(data=b"x" * (queries.MB + 1)), by=bob)
    assert on_disk() == [] and not StoredFile.objects.exists()


def test_a_transaction_that_fails_leaves_no_bytes(bob):
    with pytest.raises(ZeroDivisionError), services.atomic():
        services.store(upload=upload(), by=bob)
        services.store(upload=upload(), by=bob)
        raise ZeroDivisionError
    assert on_disk() == [] and not StoredFile.objects.exists()


def test_a_disk_that_fails_half_way_leaves_no_bytes(bob, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.store(upload=upload(), by=bob)
    assert on_disk() == [] and not StoredFile.objects.exists()


def test_what_an_outer_transaction_lost_is_tidied_away_at_night(bob):
    kept = services.store(upload=upload(), by=bob)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        services.store(upload=upload(), by=bob)
        raise ZeroDivisionError
    assert len(on_disk()) == 2
    assert services.remove_orphans() == 0  # an upload may be on its way
    for path in on_disk():
        os.utime(path, (time.time() - 2 * services.DAY_SECONDS,) * 2)
    assert services.remove_orphans() == 1
    assert on_disk() == [disk.path_of(kept.pk)]


def test_removing_takes_row_and_bytes(bob, django_capture_on_commit_callbacks):
    stored = services.store(upload=upload(), by=bob)
    with django_capture_on_commit_callbacks(execute=True):
        services.remove(stored=stored)
    assert on_disk() == [] and not StoredFile.objects.exists()


def test_bytes_that_are_gone_are_not_found(bob):
    stored = services.store(upload=upload(), by=bob)
    disk.remove(stored.pk)
    with pytest.raises(Http404):
        queries.open_file(stored)


# --- the field


class Files(FormWithFiles):
    files = UploadsField(required=False)


def sent(*uploads: SimpleUploadedFile) -> Files:
    return Files({}, MultiValueDict({"files": list(uploads)}))


def test_several_files_are_a_list(db):
    form = sent(upload("a.png"), upload("b.png"))
    assert form.is_valid()
    assert [one.name for one in form.cleaned_data["files"]] == ["a.png", "b.png"]


def test_no_file_is_an_empty_list(db):
    form = sent()
    assert form.is_valid() and form.cleaned_data["files"] == []


def test_each_file_too_large_is_named(limit_of_one_mb):
    large = b"x" * (queries.MB + 1)
    form = sent(upload("a.log", large), upload("b.log", large), upload("c.log", b"x"))
    said = " ".join(form.errors["files"])
    assert "a.log" in said and "b.log" in said and "c.log" not in said


def test_more_than_ten_files_are_refused(db):
    assert "at most 10" in sent(*[upload()] * 11).errors["files"][0]


def test_form_with_another_fault_says_that_files_must_be_chosen_again(db):
    form = sent(upload())
    assert form.is_valid()
    form.add_error(None, "Closed.")
    assert "Choose your files again" in form.errors["files"][0]
