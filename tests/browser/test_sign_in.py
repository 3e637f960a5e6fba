"""Passkeys, security keys and single sign-on, and a page whose session ends."""

import pytest
from playwright.sync_api import Page, expect

from appliance.accounts.models import IdentityProvider, Session, User
from conftest import PASSWORD
from tests.identity_server import CLIENT_ID, CLIENT_SECRET, IdentityServer

pytestmark = pytest.mark.browser
LOGGED_IN = "#notification-badge"


def plug_in_key(page: Page) -> None:
    """Give the browser a key that answers at once and knows its owner."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def add_key(page: Page, *, is_passkey: bool) -> None:
    plug_in_key(page)
    page.goto("/profile/security/")
    page.get_by_role("link", name="Add key").click()
    page.get_by_label("Name").fill("Blue key")
    page.get_by_label("Sign in with this key alone").set_checked(is_passkey)
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept the codes").click()
    expect(page.get_by_text("Blue key")).to_be_visible()


def log_out(page: Page) -> None:
    page.evaluate("document.querySelector(\"form[action='/logout/']\").requestSubmit()")
    expect(page.get_by_label("Password")).to_be_visible()


def send_password(page: Page, person: User) -> None:
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_log_in_with_a_passkey_alone(window, bob):
    page = window(bob)
    add_key(page, is_passkey=True)
    log_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator(LOGGED_IN)).to_be_visible()


def test_security_key_confirms_the_password(window, bob):
    page = window(bob)
    add_key(page, is_passkey=False)
    log_out(page)
    send_password(page, bob)
    expect(page.locator(LOGGED_IN)).to_be_hidden()
    page.get_by_role("button", name="Use security key").click()
    expect(page.locator(LOGGED_IN)).to_be_visible()


def test_page_covers_itself_when_its_session_ends_and_keeps_what_was_typed(window, bob, ticket):
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    Session.objects.filter(user=bob).delete()
    page.evaluate("document.querySelector('#reply textarea, textarea').value = 'Typed before'")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('ticket-changed'))")
    cover = page.get_by_role("dialog", name="You were signed out")
    expect(cover).to_be_visible()
    with page.context.expect_page() as new_page:
        cover.get_by_role("link", name="Sign in again").click()
    send_password(new_page.value, bob)
    expect(new_page.value.get_by_role("heading", name="You are signed in again")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(cover).to_be_hidden()
    page.locator("textarea[name=body]").press("Control+Enter")
    expect(page.locator(".conversation, #conversation").get_by_text("Typed before")).to_be_visible()


def test_open_page_alone_does_not_keep_its_session(window, bob, ticket):
    page = window(bob)
    headers = []
    page.on("request", lambda request: headers.append(request.headers))
    page.goto(f"/tickets/{ticket.pk}/")
    headers.clear()
    page.evaluate("document.body.dispatchEvent(new CustomEvent('ticket-changed'))")
    page.wait_for_timeout(500)
    sent = [header for header in headers if header.get("hx-request")]
    assert sent and all(header.get("x-background") == "yes" for header in sent)


def test_sign_in_through_the_identity_server_of_the_site(window, alice):
    server = IdentityServer()
    IdentityProvider.objects.create(
        name="Sign in with your site account",
        issuer=server.url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        links_accounts=True,
    )
    page = window()
    page.goto("/profile/")
    page.get_by_role("link", name="Sign in with your site account").click()
    expect(page.get_by_role("heading", name="Your profile")).to_be_visible()
    log_out(page)
    page.get_by_role("link", name="Sign out of").click()
    expect(page.get_by_text("signed")).to_be_visible()
    server.stop()
    page.goto("/login/")
    page.get_by_role("link", name="Sign in with your site account").click()
    expect(page.get_by_text("does not answer")).to_be_visible()
    send_password(page, alice)
    expect(page.locator(LOGGED_IN)).to_be_visible()
    window.incidents[:] = [text for text in window.incidents if server.url not in text]
