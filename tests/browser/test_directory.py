"""An admin connects the directory of the site, and people sign in with its passwords."""

import pytest
from playwright.sync_api import Page, expect

from appliance.directory import services
from appliance.directory.models import Directory, SyncRun
from appliance.directory.tests.conftest import cast_ldif
from tests import slapd
from tests.slapd import BASE, SERVICE_DN, SERVICE_PASSWORD, Slapd, group_dn

pytestmark = pytest.mark.browser


def test_directory_is_set_up_tested_and_synced_and_alice_signs_in(window, dan, tmp_path):
    with slapd.run_slapd(tmp_path, cast_ldif()) as server:
        page = window(dan)
        add_directory(page, server)
        run_test(page, "lalice", "Something does not work yet.", "Fingerprint (SHA-256)")
        enter_certificate(page, server)
        run_test(page, "lalice", "Everything works.", "B 2.14")
        add_group(page)
        preview(page)
        switch_on(page)
        sync_now(page)
        alice = window()
        alice.goto("/")
        alice.get_by_label("E-mail or login name").fill("lalice")
        alice.get_by_label("Password", exact=True).fill("lalice-opens-the-door")
        alice.get_by_role("button", name="Sign in", exact=True).click()
        expect(alice.get_by_text("Alice Ashdown").first).to_be_attached()
        alice.goto("/profile/")
        expect(alice.get_by_text("Have them changed there")).to_be_visible()


def add_directory(page: Page, server: Slapd) -> None:
    page.goto("/manage/")
    page.get_by_role("link", name="Directories").click()
    page.get_by_role("link", name="Add directory").first.click()
    page.get_by_label("Name", exact=True).fill("Clinic")
    page.get_by_label("Kind").select_option(label="OpenLDAP")
    page.get_by_label("Servers").fill("127.0.0.1")
    page.get_by_label("Port").fill(str(server.tls_port))
    page.get_by_label("Bind name", exact=False).first.fill(SERVICE_DN)
    page.get_by_label("Password of the bind name").fill(SERVICE_PASSWORD)
    page.get_by_label("Base DN").fill(BASE)
    page.get_by_label("E-mail domains").fill("clinic.example")
    save(page)
    expect(page.get_by_text("Entry added.")).to_be_visible()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def edit(page: Page) -> None:
    page.goto(f"/manage/directories/{Directory.objects.get().pk}/")


def run_test(page: Page, person: str, *texts: str) -> None:
    edit(page)
    page.get_by_role("link", name="Test …").click()
    page.get_by_label("Somebody to look for").fill(person)
    page.get_by_role("button", name="Run test").click()
    for text in texts:
        expect(page.get_by_text(text).first).to_be_visible()


def enter_certificate(page: Page, server: Slapd) -> None:
    edit(page)
    page.get_by_label("Read it from a file").set_input_files(server.folder / "ca.pem")
    expect(page.get_by_label("CA certificate")).to_have_value(server.ca)
    page.get_by_label("Password of the bind name").fill(SERVICE_PASSWORD)
    save(page)
    expect(page.get_by_text("Clinic saved.")).to_be_visible()


def add_group(page: Page) -> None:
    edit(page)
    page.get_by_role("link", name="Add group").click()
    page.get_by_label("Group", exact=True).fill(group_dn("agents"))
    page.get_by_role("button", name="Add group").click()
    expect(page.get_by_text("It counts from the next sync on.")).to_be_visible()


def preview(page: Page) -> None:
    page.get_by_role("button", name="Preview a sync").click()
    work(page)
    expect(page.get_by_text("A preview: nothing was changed.")).to_be_visible()
    expect(page.get_by_text("Alice Ashdown")).to_be_visible()


def switch_on(page: Page) -> None:
    edit(page)
    page.get_by_label("Switched on").check()
    save(page)
    expect(page.get_by_text("Clinic saved.")).to_be_visible()


def sync_now(page: Page) -> None:
    page.get_by_role("button", name="Sync now").click()
    work(page)
    page.goto("/manage/people/")
    expect(page.get_by_role("link", name="Bob Breton")).to_be_visible()


def work(page: Page) -> None:
    """Do what the worker does, while the page waits for the result."""
    expect(page.get_by_role("status").first).to_contain_text("queued")
    services.carry_out_run(SyncRun.objects.first())
    expect(page.get_by_role("status").first).to_contain_text("done")
