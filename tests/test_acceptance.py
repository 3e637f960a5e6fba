"""The acceptance test: from set-up to an answered ticket, without a network.

It runs a real server (web, worker, PostgreSQL, Valkey, the three models) and a real browser.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from appliance.web.demo import articles_loader
from conftest import PASSWORD
from tests.real_server import RealServer, run_server
from tests.windows import Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ARTICLES = [
    "printer-queue-stuck",
    "label-printer-pharmacy",
    "second-screen-black",
    "vpn-no-connect",
]
SUBJECT = "Printer on ward 3 is stuck"
DESCRIPTION = (
    "Nothing has come out of the ward 3 printer since this morning. Twelve jobs wait in the "
    "queue and the first one says error. This is the third time this week and I am fed up."
)


@pytest.fixture
def server(tmp_path, no_egress) -> RealServer:
    with run_server(tmp_path) as server:
        yield server
        assert not server.has_blocked_connections()


@pytest.fixture
def window(browser, server) -> Windows:
    windows = Windows(browser, server.url)
    yield windows
    windows.close()
    assert windows.incidents == []


def test_help_desk_is_set_up_and_answers_a_ticket_without_a_network(server, window):
    dan = window()
    dan.goto(server.setup_path)
    dan.get_by_label("Name of the help desk").fill("Harbour desk")
    fill_in_person(dan, "Dan")
    dan.get_by_role("button", name="Finish set-up").click()
    expect(dan.get_by_role("banner")).to_contain_text("Harbour desk")
    assert dan.goto(server.setup_path).status == 404, "the set-up link works once"

    for name in ARTICLES:
        write_article(dan, name)
    link = invite_agent(dan, "Bob")

    alice = window()
    alice.goto("/register/")
    fill_in_person(alice, "Alice")
    alice.get_by_role("button", name="Register").click()
    alice.get_by_role("link", name="New ticket").click()
    alice.get_by_label("Subject").fill(SUBJECT)
    alice.get_by_label("Description").fill(DESCRIPTION)
    alice.get_by_role("button", name="Submit ticket").click()
    expect(alice.get_by_role("status")).to_have_text(re.compile(r"Ticket SKR-\d+ created"))

    bob = window()
    set_password(bob, link)
    bob.goto("/")
    bob.get_by_role("link", name=SUBJECT).click()  # committed: a colleague sees it

    for page in (alice, bob):
        expect(page.get_by_role("region", name="Classification")).to_have_text(
            re.compile(r"\d+\s%|Not sure"), timeout=30_000
        )
        expect(page.locator(".suggestion blockquote:visible")).not_to_have_count(0)
    expect_suggestions(alice, "Print jobs stuck in the queue", "Pharmacy label printers")
    expect(bob.get_by_role("region", name="Classification")).to_contain_text("negative")
    expect(alice.get_by_role("region", name="Classification")).not_to_contain_text("negative")

    bob.get_by_role("button", name="Insert link").first.click()
    bob.get_by_label("Your reply").press_sequentially("Please empty the queue first.")
    bob.get_by_role("button", name="Send").click()
    expect(bob.get_by_role("region", name="Conversation")).to_contain_text("empty the queue")
    alice.reload()
    expect(alice.get_by_role("region", name="Conversation")).to_contain_text("empty the queue")

    carol = window()
    carol.goto("/register/")
    fill_in_person(carol, "Carol")
    carol.get_by_role("button", name="Register").click()
    expect(carol.get_by_text("No tickets yet")).to_be_visible()
    assert carol.goto(alice.url).status == 404
    carol.goto("/search/?q=printer+ward+3")
    expect(carol.get_by_role("link", name="Print jobs stuck")).not_to_have_count(0)
    expect(carol.get_by_text(SUBJECT)).to_have_count(0)


def fill_in_person(page: Page, first_name: str) -> None:
    page.get_by_label("First name").fill(first_name)
    page.get_by_role("textbox", name="E-mail").fill(f"{first_name.lower()}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)


def write_article(page: Page, name: str) -> None:
    article = articles_loader.read_article(articles_loader.ARTICLES / f"{name}.md")
    page.goto("/articles/new/")
    page.get_by_label("Title").fill(article["title"])
    page.get_by_label("Content").fill(article["content"])
    page.get_by_label("Visibility").select_option("Public")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(article["title"])


def invite_agent(page: Page, first_name: str) -> str:
    """Add an agent; return the link with which the agent sets a password."""
    page.goto("/manage/people/add/")
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("E-mail").fill(f"{first_name.lower()}@example.org")
    page.get_by_label("Role").select_option("Agent")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Create invitation link").click()
    return page.get_by_label("Link", exact=True).input_value()


def set_password(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()


def expect_suggestions(page: Page, *titles: str) -> None:
    """Check that the articles about printers are suggested, best first, and no other."""
    suggestions = page.get_by_role("region", name="Suggested articles").locator("article")
    expect(suggestions).to_contain_text(titles)
    for suggestion in suggestions.all():
        expect(suggestion).to_have_text(re.compile(r"\d+\s%"))
        expect(suggestion.locator("blockquote")).not_to_be_empty()
