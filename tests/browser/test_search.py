"""The search field with its suggestions, by keyboard."""

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


def type_query(page: Page, text: str) -> Locator:
    """Type into the search field; return the list of suggestions."""
    page.goto("/articles/")
    page.get_by_role("combobox", name="Search tickets and articles").press_sequentially(text)
    suggestions = page.locator("#quick")
    expect(suggestions.get_by_role("option").first).to_be_visible()
    return suggestions


def test_enter_opens_the_selected_hit(window, bob, ticket):
    page = window(bob)
    suggestions = type_query(page, "blank pages")
    page.keyboard.press("ArrowDown")
    expect(suggestions.get_by_role("option", selected=True)).to_contain_text(ticket.number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{ticket.pk}/")


def test_selection_is_kept_while_typing(window, bob, ticket):
    page = window(bob)
    suggestions = type_query(page, "blank")
    page.keyboard.press("ArrowDown")
    page.keyboard.type(" pages")
    expect(
        suggestions.get_by_role("option", name="See all results for “blank pages”")
    ).to_be_visible()
    expect(suggestions.get_by_role("option", selected=True)).to_contain_text(ticket.number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{ticket.pk}/")


def test_enter_without_selection_opens_the_search_page(window, bob, ticket):
    page = window(bob)
    type_query(page, "blank pages")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=blank+pages")
    expect(page.get_by_role("heading", name="Search results")).to_be_visible()
