"""Customers write tickets and replies, also without JavaScript."""

import pytest
from playwright.sync_api import expect

from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Status, Ticket
from conftest import PASSWORD

SEARCH = "Search tickets and articles"

pytestmark = pytest.mark.browser


def test_articles_are_suggested_while_a_ticket_is_written(window, alice, articles):
    page = window(alice)
    page.goto("/create-ticket/")
    suggestions = page.get_by_role("complementary", name="Suggested articles")
    expect(suggestions).to_contain_text("appear here")
    page.get_by_label("Subject").press_sequentially("The printer prints empty pages")
    expect(suggestions.locator("article").first).to_contain_text("Printer prints blank pages")
    page.get_by_role("button", name="Submit ticket").click()
    expect(page.get_by_label("Description")).to_be_focused()  # required and empty
    page.get_by_label("Description").fill("All of them, since Monday.")
    page.get_by_role("button", name="Submit ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The printer prints empty pages")


def test_customer_pages_work_without_javascript(window, alice, articles, ticket, bob):
    page = window(java_script_enabled=False)
    page.goto("/")
    page.get_by_label("E-mail").fill(alice.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name=ticket.subject).click()
    page.get_by_label("Your reply").fill("It is getting worse.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Conversation")).to_contain_text("It is getting worse.")
    page.get_by_role("link", name="New ticket").click()
    page.get_by_label("Subject").fill("No sound in room 4")
    page.get_by_label("Description").fill("The speaker is silent.")
    page.get_by_role("button", name="Submit ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No sound in room 4")
    page.get_by_role("searchbox", name=SEARCH).fill("blank pages")
    page.get_by_role("searchbox", name=SEARCH).press("Enter")
    page.get_by_role("link", name="Printer prints blank pages").click()
    expect(page.get_by_role("article")).to_contain_text("Shake the toner")
    page.get_by_label("Account: Alice").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_double_click_on_send_creates_one_message(window, alice, ticket):
    page = window(alice)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_label("Your reply").fill("Once is enough.")
    page.get_by_role("button", name="Send").dblclick()
    expect(page.get_by_text("Once is enough.")).to_be_visible()
    assert Message.objects.count() == 1


def test_double_click_without_javascript_creates_one_ticket(window, alice):
    page = window(alice, java_script_enabled=False)
    page.goto("/create-ticket/")
    page.get_by_label("Subject").fill("Once")
    page.get_by_label("Description").fill("is enough.")
    page.get_by_role("button", name="Submit ticket").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Once")
    assert Ticket.objects.count() == 1


def test_slash_focuses_the_search(window, alice):
    page = window(alice)
    page.goto("/")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name=SEARCH)).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.get_by_role("combobox", name=SEARCH)).to_have_value("a/b")


def test_chosen_theme_is_kept_on_other_pages(window, alice):
    page = window(alice, color_scheme="light")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Switch between light and dark mode").click()
    page.goto("/articles/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_theme_follows_the_system_by_default(window, alice):
    page = window(alice, color_scheme="dark")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_refused_reply_keeps_its_text(window, alice, ticket, bob):
    page = window(alice)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_label("Your reply").fill("Three long sentences.")
    tickets_services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("main")).to_contain_text("is closed")
    expect(page.get_by_label("Unsent reply")).to_have_value("Three long sentences.")


def test_registration_with_different_passwords_keeps_its_fields(window):
    page = window()
    page.goto("/register/")
    page.get_by_label("First name").fill("Eve")
    page.get_by_label("E-mail").fill("eve@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill("something else")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("The passwords do not match")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("eve@example.org")
    expect(page.get_by_label("Password", exact=True)).to_have_value(PASSWORD)
