"""The admin's page of the language models."""

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


def test_a_publisher_is_trusted_by_file_and_fingerprint(as_dan, root):
    answer = _trust(as_dan, root, hashlib.sha256(root).hexdigest().upper())

    assert answer.status_code == 302
    assert bytes(TrustAnchor.objects.get().root) == root
    assert TrustAnchor.objects.get().pinned_by == "Dan"
    assert "Install update" in as_dan.get(reverse("models")).content.decode()


@pytest.mark.parametrize("fingerprint", ["", "abc", "0" * 64])
def test_without_the_right_fingerprint_nobody_is_trusted(as_dan, root, fingerprint):
    answer = _trust(as_dan, root, fingerprint)

    assert answer.status_code == 400
    assert not TrustAnchor.objects.exists()


def test_a_file_is_kept_and_a_worker_is_woken(as_dan, root):
    model_updates_services.pin_root(root, by_name="Dan")
    sent = {"file": SimpleUploadedFile("../../news.tar", b"x" * 3000), "verb": "inspect"}

    answer = as_dan.post(reverse("start-update"), sent)

    run = UpdateRun.objects.get()
    assert answer.url == reverse("model-update", args=[run.pk])
    assert upload_of(run).read_bytes() == b"x" * 3000
    assert ProcrastinateJob.objects.get(task_name="model_updates.carry_out").args == {
        "run_id": run.pk
    }
    assert "hx-trigger" in as_dan.get(answer.url).content.decode()

    model_updates_services.carry_out(run)

    page = as_dan.get(answer.url).content.decode()
    assert "not a whole .tar file" in page
    assert "hx-trigger" not in page.split('id="run"')[1]


def test_media_are_offered_where_they_appear_and_nowhere_else(as_dan, root, tmp_path):
    model_updates_services.pin_root(root, by_name="Dan")
    for folder in (tmp_path / "media/usb", tmp_path / "elsewhere"):
        (folder / "metadata").mkdir(parents=True)
        (folder / "metadata/timestamp.json").write_text("{}")

    page = as_dan.get(reverse("models")).content.decode()
    assert "media/usb" in page and "elsewhere" not in page

    other = {"folder": str(tmp_path / "elsewhere"), "verb": "apply"}
    assert as_dan.post(reverse("start-update"), other).status_code == 400
    assert not UpdateRun.objects.exists()


def test_nothing_chosen_is_said_and_nothing_starts(as_dan, root):
    model_updates_services.pin_root(root, by_name="Dan")

    answer = as_dan.post(reverse("start-update"), {"verb": "apply"})

    assert answer.status_code == 400
    assert "Select removable media or upload a file" in answer.content.decode()


def _asking(dan) -> UpdateRun:
    run = model_updates_services.start_run(kind="apply", source="/nothing", by=dan)
    run.state, run.needs_approval, run.ended_at = (
        UpdateRun.State.NEEDS_APPROVAL,
        "undecided",
        run.created_at,
    )
    run.save()
    return run


def test_a_yes_needs_a_reason_and_keeps_what_was_typed(as_dan, dan):
    run = _asking(dan)

    answer = as_dan.post(
        reverse("apply-update", args=[run.pk]), {"accepted": ["undecided"], "reason": "short"}
    )

    assert answer.status_code == 400
    assert "short" in answer.content.decode()
    assert UpdateRun.objects.count() == 1


def test_a_yes_with_a_reason_starts_again_with_it(as_dan, dan):
    run = _asking(dan)
    said = {"accepted": ["undecided"], "reason": "Headquarters tried it for us."}

    answer = as_dan.post(reverse("apply-update", args=[run.pk]), said)

    fresh = UpdateRun.objects.latest("pk")
    assert answer.url == reverse("model-update", args=[fresh.pk])
    assert (fresh.accepted, fresh.reason, fresh.by) == (["undecided"], said["reason"], dan)
