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
from appliance.files import queries, services, storage
from appliance.files.forms import FormWithFiles, UploadsField
from appliance.files.models import StoredFile

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def upload(name: str = "x.png", data: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="application/x-lie")


def on_disk() -> list:
    return list(storage.root().glob("??/*"))


@pytest.fixture(autouse=True)
def temporary_data_directory(settings, tmp_path):
    settings.DATA = tmp_path


@pytest.fixture
def limit_of_one_mb(db):
    SiteSettings.objects.create(max_attachment_mb=1)


def test_stored_file_is_read_back_byte_for_byte(bob):
    stored_file = services.store(upload=upload(data=PNG * 40_000), by=bob)
    with queries.open_file(stored_file) as file:
        assert file.read() == PNG * 40_000
    assert (stored_file.size, stored_file.content_type) == (len(PNG) * 40_000, "image/png")


def test_name_never_reaches_the_disk(bob):
    stored_file = services.store(upload=upload("../../etc/пароль.png"), by=bob)
    path = storage.path_of(stored_file.pk)
    assert path.name == str(stored_file.pk) and on_disk() == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stored_file.name == "пароль.png"


@pytest.mark.parametrize(
    ("data", "content_type"),
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
def test_type_is_read_from_the_bytes(data, content_type):
    assert storage.content_type_of(data[: storage.HEAD_BYTES]) == content_type


@pytest.mark.parametrize(
    ("name", "displayed_name"),
    [
        ("C:\\Users\\me\\scan.pdf", "scan.pdf"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("..", "file"),
    ],
)
def test_name_is_safe_to_show(name, displayed_name):
    assert storage.safe_name(name) == displayed_name


def test_file_over_the_limit_is_refused_and_not_stored(bob, limit_of_one_mb):
    with pytest.raises(BadInputError, match="1 MB"):
        services.store(upload=upload(data=b"x" * (queries.MB + 1)), by=bob)
    assert on_disk() == [] and not StoredFile.objects.exists()


def test_failed_transaction_leaves_no_bytes(bob):
    @services.atomic()
    def store_and_fail() -> None:
        services.store(upload=upload(), by=bob)
        services.store(upload=upload(), by=bob)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store_and_fail()
    assert on_disk() == [] and not StoredFile.objects.exists()


def test_failing_disk_leaves_no_bytes(bob, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.store(upload=upload(), by=bob)
    assert on_disk() == [] and not StoredFile.objects.exists()


def test_orphans_of_an_outer_transaction_are_removed_at_night(bob):
    stored_file = services.store(upload=upload(), by=bob)

    @transaction.atomic
    def store_and_fail() -> None:
        services.store(upload=upload(), by=bob)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store_and_fail()
    assert len(on_disk()) == 2
    assert services.remove_orphans() == 0  # an upload may be on its way
    for path in on_disk():
        os.utime(path, (time.time() - 2 * services.DAY_SECONDS,) * 2)
    assert services.remove_orphans() == 1
    assert on_disk() == [storage.path_of(stored_file.pk)]


def test_removing_deletes_row_and_bytes(bob, django_capture_on_commit_callbacks):
    stored_file = services.store(upload=upload(), by=bob)
    with django_capture_on_commit_callbacks(execute=True):
        services.remove(stored_file=stored_file)
    assert on_disk() == [] and not StoredFile.objects.exists()


def test_missing_bytes_are_not_found(bob):
    stored_file = services.store(upload=upload(), by=bob)
    storage.remove(stored_file.pk)
    with pytest.raises(Http404):
        queries.open_file(stored_file)


# --- the field


class UploadForm(FormWithFiles):
    files = UploadsField(required=False)


def form_with(*uploads: SimpleUploadedFile) -> UploadForm:
    return UploadForm({}, MultiValueDict({"files": list(uploads)}))


def test_several_files_are_a_list(db):
    form = form_with(upload("a.png"), upload("b.png"))
    assert form.is_valid()
    assert [file.name for file in form.cleaned_data["files"]] == ["a.png", "b.png"]


def test_no_file_is_an_empty_list(db):
    form = form_with()
    assert form.is_valid() and form.cleaned_data["files"] == []


def test_error_names_each_file_that_is_too_large(limit_of_one_mb):
    large = b"x" * (queries.MB + 1)
    form = form_with(upload("a.log", large), upload("b.log", large), upload("c.log", b"x"))
    errors = " ".join(form.errors["files"])
    assert "a.log" in errors and "b.log" in errors and "c.log" not in errors


def test_more_than_ten_files_are_refused(db):
    assert "at most 10" in form_with(*[upload()] * 11).errors["files"][0]


def test_form_with_another_error_asks_for_the_files_again(db):
    form = form_with(upload())
    assert form.is_valid()
    form.add_error(None, "Closed.")
    assert "Choose your files again" in form.errors["files"][0]
