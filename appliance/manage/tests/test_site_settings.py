"""The site settings and the logo."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from appliance.core import queries as core_queries
from appliance.core.models import AuditEntry, SiteSettings
from appliance.files.models import StoredFile

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
SETTINGS = {
    "name": "Harbour desk",
    "language": "de",
    "time_zone": "Europe/Berlin",
    "languages": ["sv", "de"],
    "max_attachment_mb": 20,
    "close_solved_after_days": "",
    "agent_rights": ["articles"],
    "is_guest_form_open": "on",
    "second_factor": "nobody",
    "agent_idle_minutes": 30,
    "customer_idle_minutes": 720,
}


@pytest.fixture
def as_dan(client, dan):
    client.force_login(dan)
    return client


def upload(client, content: bytes, name: str = "logo.png"):
    return client.post(reverse("change-logo"), {"logo": SimpleUploadedFile(name, content)})


def test_admin_changes_the_site_settings(as_dan):
    assert as_dan.post(reverse("site-settings"), SETTINGS).status_code == 302
    site = core_queries.site_settings()
    assert (site.name, site.language, site.is_guest_form_open) == ("Harbour desk", "de", True)
    assert not (site.is_rating_enabled or site.is_assigned_on_reply)  # its box was not ticked
    assert (site.close_solved_after_days, site.agent_rights) == (None, ["articles"])
    assert site.desk_languages == ["de", "sv"]


def test_desk_works_in_its_language_and_in_english_until_others_are_chosen(
    as_dan, django_capture_on_commit_callbacks
):
    SiteSettings.objects.create(language="de")
    assert core_queries.desk_languages() == ["en", "de"]
    page = as_dan.get(reverse("site-settings")).content.decode()
    assert page.count('name="languages"') == 9
    assert re.findall(r'name="languages"[^>]*value="(\w+)"[^>]* checked', page) == ["en", "de"]
    with django_capture_on_commit_callbacks(execute=True):
        as_dan.post(reverse("site-settings"), SETTINGS | {"languages": ["fr"]})
    assert core_queries.desk_languages() == ["fr"]
    assert AuditEntry.objects.latest("pk").data["languages"] == {"from": [], "to": ["fr"]}


@pytest.mark.parametrize("languages", [[], ["xx"]])
def test_desk_needs_languages_that_exist(as_dan, languages):
    page = as_dan.post(reverse("site-settings"), SETTINGS | {"languages": languages})
    assert page.status_code == 400 and not core_queries.site_settings().languages


def test_invalid_value_is_rejected_and_the_form_keeps_the_others(as_dan):
    page = as_dan.post(reverse("site-settings"), SETTINGS | {"max_attachment_mb": 1000})
    assert page.status_code == 400 and "Harbour desk" in page.content.decode()


def test_web_address_is_shown_and_cannot_be_changed_in_the_browser(as_dan):
    SiteSettings.objects.create(base_url="https://desk.example")
    as_dan.post(reverse("site-settings"), SETTINGS | {"base_url": "https://evil.example"})
    page = as_dan.get(reverse("site-settings")).content.decode()
    assert 'href="https://desk.example"' in page and "launcher.py --url" in page
    assert "evil.example" not in page


def test_concurrent_change_of_another_admin_is_shown(as_dan, dan):
    as_dan.post(reverse("site-settings"), SETTINGS)
    version = as_dan.get(reverse("site-settings")).context["version_form"].initial["version"]
    as_dan.post(reverse("site-settings"), SETTINGS | {"name": "Theirs", "version": version})
    page = as_dan.post(
        reverse("site-settings"), SETTINGS | {"name": "My tickets", "version": version}
    )
    assert page.status_code == 400 and "“Theirs”" in page.content.decode()


def test_logo_is_shown_to_anybody_and_cached_by_browsers(as_dan, client):
    assert upload(as_dan, PNG).status_code == 302
    path = reverse("logo", args=[core_queries.site_settings().logo_id])
    client.logout()
    assert path in client.get("/login/").content.decode()
    response = client.get(path)
    assert b"".join(response.streaming_content) == PNG
    assert "immutable" in response["Cache-Control"] and response["Content-Type"] == "image/png"


def test_new_logo_replaces_the_old_one(as_dan):
    upload(as_dan, PNG)
    upload(as_dan, PNG)
    assert StoredFile.objects.count() == 1
    as_dan.post(reverse("change-logo"))
    assert core_queries.site_settings().logo_id is None and not StoredFile.objects.exists()


@pytest.mark.parametrize(
    ("content", "message"), [(b"<svg/>", "not a PNG"), (PNG + b"\0" * 512_000, "500 KB")]
)
def test_file_that_is_no_small_image_is_rejected(as_dan, content, message):
    page = upload(as_dan, content)
    assert page.status_code == 400 and message in page.content.decode()
    assert core_queries.site_settings().logo_id is None and not StoredFile.objects.exists()


def test_other_files_are_not_served_as_the_logo(as_dan):
    upload(as_dan, PNG)
    assert (
        as_dan.get(reverse("logo", args=["00000000-0000-0000-0000-000000000000"])).status_code
        == 404
    )
