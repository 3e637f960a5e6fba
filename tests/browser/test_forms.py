"""What every form does: it is sent once, shows progress, and marks what is wrong."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from appliance.tickets import services as tickets_services
from appliance.tickets.models import TicketLink

pytestmark = pytest.mark.browser
BAD = re.compile(r"rgb\(164, 40, 47\)")  # --bad
PRESS_TWICE = "(button) => { button.click(); button.click(); }"


def hold_back(page: Page, pattern: str) -> list[Route]:
    """Keep the requests of a page open, as a slow server does; return them."""
    routes: list[Route] = []
    page.route(pattern, lambda route: routes.append(route))
    return routes


def test_reply_is_sent_once_and_its_button_shows_progress(window, bob, ticket):
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_label("Your reply").fill("Shake the toner.")
    requests: list[Route] = []

    def answer_without_a_page(route: Route) -> None:
        requests.append(route)
        route.fulfill(status=204)

    page.route("**/reply/", answer_without_a_page)
    button = page.get_by_role("button", name="Send", exact=True)
    button.evaluate(PRESS_TWICE)
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_class(re.compile("is-busy"))
    button.evaluate(PRESS_TWICE)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(300)
    assert len(requests) == 1


def test_button_comes_back_after_a_failure(window, alice):
    page = window(alice)
    page.goto("/create-ticket/")
    page.get_by_label("Subject").fill("Screen")
    page.get_by_label("Description").fill("Dark.")
    page.route("**/create-ticket/", lambda route: route.fulfill(status=204))  # no page comes
    page.clock.install()
    button = page.get_by_role("button", name="Submit ticket")
    button.click(no_wait_after=True)
    page.clock.run_for(100)
    expect(button).to_have_attribute("aria-disabled", "true")
    page.clock.run_for(15_000)
    expect(button).not_to_have_attribute("aria-disabled", "true")
    page.unroute("**/create-ticket/")
    button.click()
    expect(page.get_by_role("heading", name="Screen")).to_be_visible()


def test_ticket_is_linked_once_and_the_button_comes_back(window, alice, bob, ticket):
    other = tickets_services.create_ticket(
        customer=alice.customer, subject="Second lamp", description="Dark.", by=alice
    )
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_text("Link ticket").click()
    field = page.locator("#links").get_by_label("Ticket", exact=True)
    field.fill(other.number)
    expect(page.get_by_role("option", name=other.number)).to_be_visible()
    page.keyboard.press("Escape")  # the list would lie over the button
    routes = hold_back(page, "**/links/")
    button = page.locator("#links").get_by_role("button", name="Link", exact=True)
    button.evaluate(PRESS_TWICE)
    expect(button).to_have_class(re.compile("is-busy"))
    page.wait_for_timeout(300)  # the routes of both requests, if there were two
    assert len(routes) == 1
    routes[0].abort()
    expect(button).not_to_have_class(re.compile("is-busy"))
    page.unroute("**/links/")
    button.click()
    expect(page.locator("#links").get_by_role("link", name=other.number)).to_be_visible()
    assert TicketLink.objects.count() == 1


def test_invalid_fields_have_a_red_border_and_are_announced(window, alice, bob, ticket):
    page = window(alice)
    page.goto("/create-ticket/")
    page.evaluate("document.getElementById('ticket-form').noValidate = true")
    page.get_by_role("button", name="Submit ticket").click()
    for label in ("Subject", "Description"):
        field = page.get_by_label(label)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_css("border-color", BAD)
        error = page.locator(f"#{field.get_attribute('id')}_error")
        expect(error).to_have_css("color", BAD)
        assert error.get_attribute("id") in field.get_attribute("aria-describedby")


def test_failed_draft_is_told_in_the_colour_of_errors(window, bob, ticket):
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.route("**/draft/", lambda route: route.abort())
    page.get_by_label("Your reply").fill("Half a reply")
    expect(page.get_by_text("Draft not saved")).to_have_css("color", BAD)
