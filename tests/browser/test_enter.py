"""Enter chooses what is offered, and never sends what is half written."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from appliance.accounts.models import User
from appliance.macros import services as macros_services
from appliance.macros.models import CannedResponse
from appliance.tickets import services as tickets_services
from appliance.tickets.models import BulkChange, Message, Tag, Ticket
from tests.windows import Windows

pytestmark = pytest.mark.browser
HALF = "Have you tried"
COMPOSING_ENTER = """(field) => field.dispatchEvent(new KeyboardEvent("keydown",
    {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""


@pytest.fixture
def canned_responses(bob: User) -> list[CannedResponse]:
    texts = {"Ask": "Which device is it?", "Restart": "Please restart it."}
    return [
        macros_services.add_canned_response(by=bob, name=name, body=body, audience="all")
        for name, body in texts.items()
    ]


@pytest.fixture
def half_reply(window: Windows, bob: User, ticket: Ticket, canned_responses: list) -> Page:
    """Bob's page of the ticket with half a reply, and the focus on the canned responses."""
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_label("Your reply").fill(HALF)
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    return page


def reply(page: Page) -> Locator:
    return page.get_by_label("Your reply")


def option(page: Page, name: str) -> Locator:
    return page.locator("#complete").get_by_role("option", name=re.compile(name))


def expect_nothing_sent(page: Page, ticket: Ticket) -> None:
    page.wait_for_timeout(400)
    assert page.url.endswith(f"/tickets/{ticket.pk}/")
    assert not Message.objects.exists()


def test_enter_inserts_the_first_canned_response(half_reply, ticket):
    half_reply.keyboard.type("rest")
    expect(option(half_reply, ".")).to_have_count(1)
    expect(option(half_reply, "Restart")).to_have_attribute("aria-selected", "true")
    half_reply.keyboard.press("Enter")
    expect(reply(half_reply)).to_have_value(f"{HALF}\n\nPlease restart it.\n")
    expect_nothing_sent(half_reply, ticket)


def test_enter_before_the_canned_responses_have_come_inserts_the_one_that_was_typed(half_reply):
    half_reply.keyboard.type("rest")
    half_reply.keyboard.press("Enter")
    expect(reply(half_reply)).to_have_value(f"{HALF}\n\nPlease restart it.\n")


def test_canned_response_is_inserted_with_a_click(half_reply, ticket):
    option(half_reply, "Ask").click()
    expect(reply(half_reply)).to_have_value(f"{HALF}\n\nWhich device is it?\n")
    expect_nothing_sent(half_reply, ticket)


@pytest.mark.parametrize("keys", ["Enter", "Control+Enter", "Shift+Enter"])
def test_no_enter_in_the_canned_field_sends_the_reply(half_reply, ticket, keys):
    half_reply.keyboard.type("zzz")
    half_reply.keyboard.press(keys)
    expect_nothing_sent(half_reply, ticket)
    expect(option(half_reply, ".")).to_have_count(0)
    half_reply.keyboard.press(keys)
    half_reply.keyboard.press("Escape")
    half_reply.keyboard.press(keys)
    expect_nothing_sent(half_reply, ticket)
    expect(reply(half_reply)).to_have_value(HALF)


def test_enter_does_not_send_when_the_canned_responses_cannot_be_read(half_reply, ticket):
    half_reply.context.set_offline(True)
    half_reply.keyboard.type("rest")
    half_reply.keyboard.press("Enter")
    expect_nothing_sent(half_reply, ticket)
    expect(reply(half_reply)).to_have_value(HALF)


def test_enter_that_ends_a_composition_chooses_and_sends_nothing(half_reply, ticket):
    expect(option(half_reply, "Ask")).to_have_attribute("aria-selected", "true")
    half_reply.locator("#canned").evaluate(COMPOSING_ENTER)
    expect_nothing_sent(half_reply, ticket)
    expect(reply(half_reply)).to_have_value(HALF)


def test_enter_on_reply_or_note_does_not_send(half_reply, ticket):
    half_reply.get_by_label("Internal note").focus()
    half_reply.keyboard.press("Enter")
    expect_nothing_sent(half_reply, ticket)


def test_enter_in_a_field_of_one_line_submits_no_new_ticket(window, bob):
    page = window(bob)
    page.goto("/create-ticket/")
    for label in ("Subject", "Customer's e-mail", "Customer's name"):
        page.get_by_label(label).fill("alice@example.org")
        page.get_by_label(label).press("Enter")
    page.wait_for_timeout(400)
    assert not Ticket.objects.exists()
    expect(page.get_by_label("Subject")).to_have_value("alice@example.org")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_enter_applies_no_bulk_change(window, bob, ticket):
    page = window(bob)
    page.goto("/")
    checkbox = page.locator("tbody input[name=ticket]")
    checkbox.check()
    checkbox.press("Enter")
    page.get_by_label("Add tags").fill("printer")
    page.get_by_label("Add tags").press("Enter")
    page.wait_for_timeout(400)
    assert not BulkChange.objects.exists()
    expect(page.get_by_label("Add tags")).to_have_value("printer")


@pytest.mark.parametrize("is_fast", [True, False])
def test_enter_in_the_tags_takes_the_tag_that_is_offered(window, bob, ticket, is_fast):
    Tag.objects.create(name="printer")
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.keyboard.press("t")
    page.keyboard.type("pri")
    if not is_fast:
        option(page, "printer").wait_for()
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-head").get_by_role("link", name="printer")).to_be_visible()
    assert [tag.name for tag in ticket.tags.all()] == ["printer"]


def test_enter_saves_a_tag_that_is_new(window, bob, ticket):
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.keyboard.press("t")
    page.keyboard.type("toner")
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-head").get_by_role("link", name="toner")).to_be_visible()


def test_enter_chooses_the_ticket_to_link_and_enter_again_links_it(window, alice, bob, ticket):
    other = tickets_services.create_ticket(
        customer=alice.customer, subject="Second lamp", description="Dark.", by=alice
    )
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_text("Link ticket").click()
    field = page.locator("#links").get_by_label("Ticket", exact=True)
    field.press_sequentially("Second lamp")
    field.press("Enter")
    expect(field).to_have_value(other.number)
    field.press("Enter")
    expect(page.locator("#links").get_by_role("link", name=other.number)).to_be_visible()


def test_enter_chooses_the_ticket_to_merge_into(window, alice, bob, ticket):
    other = tickets_services.create_ticket(
        customer=alice.customer, subject="Second lamp", description="Dark.", by=alice
    )
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/merge/")
    field = page.get_by_label("Merge into")
    field.press_sequentially(f"#{other.pk}")
    field.press("Enter")
    expect(field).to_have_value(other.number)
    field.press("Enter")
    expect(page.get_by_text("nothing is deleted")).to_be_visible()


def test_enter_in_the_search_for_articles_sends_no_reply(half_reply, ticket):
    half_reply.locator("#id_article").fill("toner")
    half_reply.locator("#id_article").press("Enter")
    expect(half_reply.locator("#found-articles")).not_to_be_empty()
    expect_nothing_sent(half_reply, ticket)
    expect(reply(half_reply)).to_have_value(HALF)
