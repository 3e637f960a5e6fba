"""The page of models: trusting a publisher, checking and installing updates."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.model_updates import services as model_updates_services
from appliance.model_updates.models import TrustAnchor, UpdateRun
from appliance.model_updates.run_context import upload_of
from scripts.updating import keys


@pytest.fixture
def as_dan(dan_client, settings, tmp_path):
    settings.DATA = tmp_path / "data"
    settings.DATA.mkdir()
    settings.UPDATE_FOLDERS = [tmp_path / "media"]
    return dan_client


@pytest.fixture
def root(tmp_path) -> bytes:
    return keys.make_keys(tmp_path / "home", lambda name: "secret")


def _trust(client, root: bytes, fingerprint: str):
    file = SimpleUploadedFile("root.json", root)
    return client.post(reverse("trust-publisher"), {"root": file, "fingerprint": fingerprint})


def test_publisher_is_trusted_by_file_and_fingerprint(as_dan, root):
    response = _trust(as_dan, root, hashlib.sha256(root).hexdigest().upper())

    assert response.status_code == 302
    assert bytes(TrustAnchor.objects.get().root) == root
    assert TrustAnchor.objects.get().pinned_by == "Dan"
    assert "Install update" in as_dan.get(reverse("models")).content.decode()


@pytest.mark.parametrize("fingerprint", ["", "abc", "0" * 64])
def test_wrong_fingerprint_is_rejected(as_dan, root, fingerprint):
    response = _trust(as_dan, root, fingerprint)

    assert response.status_code == 400
    assert not TrustAnchor.objects.exists()


def test_uploaded_file_is_stored_and_checked_by_the_worker(as_dan, root):
    model_updates_services.pin_root(root, by_name="Dan")
    form = {"file": SimpleUploadedFile("../../news.tar", b"x" * 3000), "verb": "inspect"}

    response = as_dan.post(reverse("start-update"), form)

    run = UpdateRun.objects.get()
    assert response.url == reverse("model-update", args=[run.pk])
    assert upload_of(run).read_bytes() == b"x" * 3000
    assert ProcrastinateJob.objects.get(task_name="model_updates.carry_out").args == {
        "run_id": run.pk
    }
    assert "hx-trigger" in as_dan.get(response.url).content.decode()

    model_updates_services.carry_out(run)

    page = as_dan.get(response.url).content.decode()
    assert "not a whole .tar file" in page
    assert "hx-trigger" not in page.split('id="run"')[1]


def test_only_configured_media_are_offered(as_dan, root, tmp_path):
    model_updates_services.pin_root(root, by_name="Dan")
    for folder in (tmp_path / "media/usb", tmp_path / "elsewhere"):
        (folder / "metadata").mkdir(parents=True)
        (folder / "metadata/timestamp.json").write_text("{}")

    page = as_dan.get(reverse("models")).content.decode()
    assert "media/usb" in page and "elsewhere" not in page

    other = {"folder": str(tmp_path / "elsewhere"), "verb": "apply"}
    assert as_dan.post(reverse("start-update"), other).status_code == 400
    assert not UpdateRun.objects.exists()


def test_form_without_a_source_is_rejected(as_dan, root):
    model_updates_services.pin_root(root, by_name="Dan")

    response = as_dan.post(reverse("start-update"), {"verb": "apply"})

    assert response.status_code == 400
    assert "Select removable media or upload a file" in response.content.decode()


def run_that_needs_approval(dan) -> UpdateRun:
    run = model_updates_services.start_run(kind="apply", source="/nothing", by=dan)
    run.state, run.needs_approval, run.ended_at = (
        UpdateRun.State.NEEDS_APPROVAL,
        "undecided",
        run.created_at,
    )
    run.save()
    return run


def test_approval_needs_a_reason_and_the_form_keeps_the_values(as_dan, dan):
    run = run_that_needs_approval(dan)

    response = as_dan.post(
        reverse("apply-update", args=[run.pk]), {"accepted": ["undecided"], "reason": "short"}
    )

    assert response.status_code == 400
    assert "short" in response.content.decode()
    assert UpdateRun.objects.count() == 1


def test_approval_with_a_reason_starts_a_new_run(as_dan, dan):
    run = run_that_needs_approval(dan)
    form = {"accepted": ["undecided"], "reason": "Headquarters tried it for us."}

    response = as_dan.post(reverse("apply-update", args=[run.pk]), form)

    new_run = UpdateRun.objects.latest("pk")
    assert response.url == reverse("model-update", args=[new_run.pk])
    assert (new_run.accepted, new_run.reason, new_run.by) == (["undecided"], form["reason"], dan)
