"""The search box, by keyboard."""

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


def type_into_the_box(page: Page, text: str) -> Locator:
    """What the box offers for it."""
    page.goto("/articles/")
    page.get_by_role("combobox", name="Search tickets and articles").press_sequentially(text)
    offered = page.locator("#quick")
    expect(offered.get_by_role("option").first).to_be_visible()
    return offered


def test_enter_opens_the_hit_that_is_marked(window, bob, ticket):
    page = window(bob)
    offered = type_into_the_box(page, "blank pages")
    page.keyboard.press("ArrowDown")
    expect(offered.get_by_role("option", selected=True)).to_contain_text(ticket.number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{ticket.pk}/")


def test_what_is_marked_stays_so_while_more_is_typed(window, bob, ticket):
    page = window(bob)
    offered = type_into_the_box(page, "blank")
    page.keyboard.press("ArrowDown")
    page.keyboard.type(" pages")
    expect(offered.get_by_role("option", name="See all results for “blank pages”")).to_be_visible()
    expect(offered.get_by_role("option", selected=True)).to_contain_text(ticket.number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{ticket.pk}/")


def test_enter_with_nothing_marked_searches(window, bob, ticket):
    page = window(bob)
    type_into_the_box(page, "blank pages")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=blank+pages")
    expect(page.get_by_role("heading", name="Search results")).to_be_visible()
