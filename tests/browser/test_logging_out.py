"""After log-out the browser shows nothing of what was on the screen."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_back_after_log_out_leads_to_the_log_in(window, bob, ticket):
    page = window(bob)
    page.goto("/")
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(ticket.subject)
    page.goto("/profile/")
    page.evaluate(
        """() => {
            const form = document.querySelector("form[action='/logout/']");
            form.requestSubmit();
        }"""
    )
    page.wait_for_url("**/login/")
    for _ in range(3):
        page.go_back()
        assert ticket.subject not in page.content()
        expect(page.get_by_label("Password")).to_be_visible()
