"""Agents save views and change many tickets at once."""

import pytest
from playwright.sync_api import expect

from appliance.tickets import services as tickets_services
from appliance.tickets.models import BulkChange, Priority, SavedView, Ticket

pytestmark = pytest.mark.browser
SUBJECTS = ("Mast lamp", "Fuel pump", "Radar dark")


@pytest.fixture
def three_tickets(alice) -> list[Ticket]:
    return [
        tickets_services.create_ticket(
            customer=alice.customer,
            subject=subject,
            description="…",
            by=alice,
            priority=Priority(4),
        )
        for subject in SUBJECTS
    ]


def test_shared_view_is_saved_and_a_bulk_change_is_undone(window, bob, dan, ticket, three_tickets):
    page = window(bob)
    page.goto("/")
    page.get_by_role("navigation", name="Inbox views").get_by_role("link", name="Urgent 3").click()
    page.get_by_role("link", name="Save as view").click()
    page.get_by_label("Name", exact=True).fill("Storm")
    page.get_by_label("Visibility").select_option("All agents")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("heading", name="Storm")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(3)
    assert SavedView.objects.get().is_shared

    for _ in SUBJECTS:
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.get_by_text("3 tickets selected")).to_be_visible()
    page.locator("#bulk").get_by_label("Assignee").select_option("Bob")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("3 tickets updated: assignee: Bob")).to_be_visible()
    assert Ticket.objects.filter(assignee=bob).count() == 3
    tickets_services.assign(ticket=three_tickets[0], assignee=dan, by=dan)

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone for 2 tickets")).to_be_visible()
    expect(page.get_by_text("1 not undone")).to_be_visible()
    assert (Ticket.objects.filter(assignee=bob).count(), BulkChange.objects.count()) == (0, 1)

    page = window(dan)
    page.goto("/")
    page.get_by_role("link", name="Storm (shared) 3").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_refreshed_list_keeps_selection_and_focus_and_announces_new_tickets(
    window, bob, alice, three_tickets
):
    page = window(bob)
    page.clock.install()
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    tickets_services.create_ticket(
        customer=alice.customer, subject="Smoke!", description="…", by=alice
    )
    page.clock.run_for(10_000)
    expect(page.get_by_role("link", name="Smoke!")).to_be_visible()
    expect(page.locator(f"#choose-{three_tickets[1].pk}")).to_be_checked()
    expect(page.locator(f"#t{three_tickets[1].pk}")).to_be_focused()
    expect(page.locator("#list-news")).to_have_text("One new ticket in the list")


def test_bulk_change_works_without_javascript(window, bob, three_tickets):
    page = window(bob, java_script_enabled=False)
    page.goto("/")
    for row in page.locator("tbody input").all():
        row.check()
    page.locator("#bulk").get_by_label("Status").select_option("Solved")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("3 tickets updated: status: Solved")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody tr")).to_have_count(3)
