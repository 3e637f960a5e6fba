"""Getting in: registration, a forgotten password, the question before grave acts, lock-out."""

import re

import pytest
from playwright.sync_api import Page, expect

from appliance.accounts.models import Session, User
from appliance.accounts.sessions import SessionStore
from appliance.core.models import SiteSettings
from appliance.notifications.models import OutgoingEmail
from conftest import PASSWORD

pytestmark = pytest.mark.browser
NEW = "walks on the shore"


@pytest.fixture
def mail(settings, db) -> None:
    """The desk can send e-mails and knows its own address."""
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "localhost", "desk@example.org"
    SiteSettings.objects.update_or_create(pk=1, defaults={"base_url": "https://desk.example.org"})


def newest_link(kind: str) -> str:
    body = OutgoingEmail.objects.latest("pk").body
    return re.search(rf"/{kind}/[^/]+/", body)[0]


def choose_password(page: Page) -> None:
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_label("Confirm password").fill(NEW)
    page.get_by_role("button", name="Set password and sign in").click()


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def age_log_ins() -> None:
    """Let everybody have signed in long ago."""
    for key in Session.objects.values_list("session_key", flat=True):
        session = SessionStore(key)
        session.load()  # with its row
        session["account_authentication_methods"] = [{"method": "password", "at": 0}]
        session.save()


def test_customer_registers_with_a_link_in_an_e_mail(window, mail):
    page = window()
    page.goto("/login/")
    page.get_by_role("link", name="Register as a customer").click()
    page.get_by_label("First name").fill("Eve")
    page.get_by_label("E-mail").fill("eve@example.org")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("We have sent an e-mail to eve@example.org")).to_be_visible()
    page.goto(newest_link("welcome"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, Eve")
    choose_password(page)
    expect(page.get_by_text("No tickets yet")).to_be_visible()


def test_forgotten_password_is_replaced_through_a_link(window, mail, alice):
    page = window()
    page.goto("/login/?next=/profile/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail").fill(alice.email)
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_text(f"If {alice.email} has an account")).to_be_visible()
    page.goto(newest_link("welcome"))
    choose_password(page)
    page.wait_for_url("**/")
    page = window()
    page.goto("/login/")
    sign_in(page, alice.email, NEW)
    expect(page.get_by_role("navigation").first).to_be_visible()


def test_admin_is_asked_again_and_keeps_what_was_typed(window, dan):
    page = window(dan)
    page.goto("/manage/people/add/")
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Role").select_option(label="Administrator")
    age_log_ins()
    page.get_by_role("button", name=re.compile("Add|Save")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    page.get_by_label("Password").fill("wrong word")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Incorrect password")).to_be_visible()
    assert not User.objects.filter(first_name="Ada").exists()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Entry added.")).to_be_visible()
    assert User.objects.get(first_name="Ada").is_admin


def test_user_changes_the_address_with_a_link(window, mail, alice):
    page = window(alice)
    page.goto("/profile/")
    page.get_by_role("link", name="Change e-mail address").click()
    page.get_by_label("E-mail").fill("alice@b.example.org")
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_text("Until then nothing changes")).to_be_visible()
    page.goto(newest_link("confirm"))
    page.get_by_role("button", name="Confirm address").click()
    page.goto("/profile/")
    expect(page.get_by_role("main")).to_contain_text("alice@b.example.org")


def test_five_wrong_passwords_show_how_long_to_wait(window, alice):
    page = window()
    for _ in range(5):
        page.goto("/login/")
        sign_in(page, alice.email, "wrong word")
    expect(page.get_by_role("heading", level=1)).to_have_text("Too many sign-in attempts")
    page.get_by_role("link", name="Back to sign-in").click()
    sign_in(page, alice.email, PASSWORD)
    expect(page.get_by_text("15 minutes")).to_be_visible()


def test_pages_of_visitors_speak_german(window, mail):
    page = window(locale="de-DE")
    page.goto("/login/")
    page.get_by_role("link", name="Passwort vergessen?").click()
    page.get_by_label("E-Mail").fill("jemand@example.org")
    page.get_by_role("button", name="Link senden").click()
    expect(page.get_by_text("haben wir einen Link dorthin gesendet")).to_be_visible()
