"""Frequent journeys of customers, agents and admins, from end to end."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from appliance.accounts.models import User
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Rating, Status, Ticket
from conftest import PASSWORD

pytestmark = pytest.mark.browser


def test_customer_registers_creates_a_ticket_and_rates_the_reply(window, bob):
    page = window()
    page.goto("/register/")
    page.get_by_label("First name").fill("Eve")
    page.get_by_label("E-mail").fill("eve@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    page.get_by_role("link", name="New ticket").first.click()
    page.get_by_label("Subject").fill("No sound in room 4")
    page.get_by_label("Description").fill("The speaker is silent.")
    page.get_by_role("button", name="Submit ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No sound in room 4")
    ticket = Ticket.objects.get()
    tickets_services.reply(
        ticket=ticket, by=bob, body="Press the **mute** key.", status=Status.SOLVED
    )
    page.reload()
    expect(page.get_by_label("Conversation")).to_contain_text("Press the mute key.")
    page.get_by_role("button", name="Good").click()
    page.get_by_label("Comment").fill("Quick!")
    page.get_by_role("button", name="Send comment").click()
    expect(page.get_by_text("Your rating: good")).to_be_visible()
    assert Rating.objects.get().is_good
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.get_by_text("Rating: good: “Quick!”")).to_be_visible()


def test_agent_works_through_the_list_by_keyboard(window, bob, alice, ticket):
    second = tickets_services.create_ticket(
        customer=alice.customer, subject="Second lamp", description="Dark.", by=alice
    )
    page = window(bob)
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile("assignee=nobody"))
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second lamp")
    page.wait_for_load_state()
    page.keyboard.press("m")
    expect(page.get_by_label("Assignee")).to_have_value(str(bob.pk))
    expect(page.locator("#saved")).to_have_text("Saved")
    page.keyboard.press("r")
    page.keyboard.type("Turn it round.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("Conversation")).to_contain_text("Turn it round.")
    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.wait_for_load_state()
    page.keyboard.press("g")
    page.keyboard.press("u")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text(ticket.subject)
    second.refresh_from_db()
    assert (second.assignee, second.status) == (bob, Status.OPEN)


def test_notification_badge_counts_and_leads_to_the_ticket(window, bob, alice, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.reply(ticket=ticket, by=alice, body="It is worse now.")
    page = window(bob)
    page.goto("/")
    badge = page.get_by_role("link", name=re.compile("^Notifications:"))
    expect(badge).to_contain_text("1")
    badge.click()
    page.get_by_role("main").get_by_role("link", name=ticket.subject).click()
    expect(page.get_by_label("Conversation")).to_contain_text("It is worse now.")
    expect(badge).not_to_contain_text("1")


def test_report_is_shown_as_a_table_and_downloaded_as_csv(window, bob, alice, ticket):
    at = timezone.now() - timedelta(minutes=5)
    tickets_services.reply(
        ticket=ticket, by=bob, body="Shake the toner.", status=Status.SOLVED, at=at
    )
    page = window(bob)
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reports")
    expect(page.get_by_role("table").first).to_be_attached()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("CSV")).first.click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) > 1


def test_tickets_of_a_deactivated_agent_are_reassigned(window, dan, bob, frank, ticket):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    page = window(dan)
    page.goto(f"/manage/people/{bob.pk}/")
    page.get_by_role("link", name=re.compile("Deactivate")).click()
    page.get_by_label("Reassign open tickets to").select_option("Frank")
    page.get_by_role("button", name=re.compile("Deactivate")).click()
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.get_by_label("Assignee")).to_have_value(str(frank.pk))
    assert not User.objects.get(pk=bob.pk).is_active
