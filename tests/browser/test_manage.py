"""Admins configure the help desk, and the configuration is used."""

import re

import pytest
from playwright.sync_api import Page, expect

from appliance.tickets import services as tickets_services
from conftest import PASSWORD

pytestmark = pytest.mark.browser


def test_new_team_agent_category_canned_response_and_policy_are_in_use(window, dan, alice, ticket):
    page = window(dan)
    page.goto("/manage/")
    link = invite(page, "Eve", "eve@example.org")
    add_team(page, "Night shift", "Eve")
    add(
        page,
        "Categories",
        "Add category",
        {
            "Name": "Printing",
            "Description": "Printers, toner and paper.",
            "Example phrases": "the printer prints blank pages\nno toner left",
        },
    )
    add(
        page,
        "Canned responses",
        "Add canned response",
        {"Name": "New toner", "Text": "Hello {customer_first_name}, toner is on its way."},
        share="All agents",
    )
    add(
        page, "SLA policies", "Add SLA policy", {"Name": "Everyday", "First response within": "4 h"}
    )
    expect(page.get_by_text("Due times for a ticket created now")).to_be_visible()

    eve = window()
    eve.goto(link)
    for label in ("Password", "Confirm password"):
        eve.get_by_label(label, exact=True).fill(PASSWORD)
    eve.get_by_role("button", name="Set password and sign in").click()
    new_ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="Printer", description="Blank pages", by=alice
    )
    eve.goto(f"/tickets/{new_ticket.pk}/")
    expect(eve.get_by_label("Category")).to_contain_text("Printing")
    expect(eve.get_by_label("Team", exact=True)).to_contain_text("Night shift")
    expect(eve.get_by_text("Everyday").first).to_be_visible()
    eve.get_by_label("Canned response").fill("toner")
    eve.get_by_role("option", name=re.compile("New toner")).click()
    expect(eve.get_by_label("Your reply")).to_have_value(re.compile("Hello Alice, toner"))


def test_category_is_tested_with_a_sample_text(window, dan, categories):
    page = window(dan)
    page.goto("/manage/categories/")
    page.get_by_role("link", name=categories["access"].name, exact=True).click()
    page.get_by_label("Sample text").fill("I forgot my password")
    page.get_by_role("button", name="Classify text").click()
    expect(page.get_by_role("status")).to_contain_text("Predicted category: Access")


def test_business_hours_are_saved_without_javascript(window, dan):
    page = window(dan, java_script_enabled=False)
    page.goto("/manage/business-hours/add/")
    page.get_by_label("Name").fill("Office")
    page.get_by_label("Saturday").fill("9-12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Saturday")).to_have_value("09:00–12:00")
    page.get_by_label("Date", exact=True).fill("2026-12-25")
    page.locator("#holidays").get_by_label("Name").fill("Christmas")
    page.get_by_role("button", name="Add holiday").click()
    expect(page.get_by_text("25 Dec 2026")).to_be_visible()


def invite(page: Page, name: str, email: str) -> str:
    """Add a user; return the invitation link."""
    add(page, "Users", "Add user", {"First name": name, "E-mail": email})
    page.get_by_role("button", name="Create invitation link").click()
    return page.get_by_label("Link", exact=True).input_value()


def add_team(page: Page, name: str, member: str) -> None:
    start(page, "Teams", "Add team")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label(member, exact=True).check()
    save(page)


def add(page: Page, title: str, button: str, texts: dict[str, str], share: str = "") -> None:
    start(page, title, button)
    for label, text in texts.items():
        page.get_by_label(re.compile(f"^{label}")).fill(text)
    if share:
        page.get_by_label("Visibility", exact=True).select_option(share)
    save(page)


def start(page: Page, title: str, button: str) -> None:
    page.goto("/manage/")
    page.get_by_role("link", name=title, exact=True).click()
    page.get_by_role("link", name=button).first.click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Entry added.")).to_be_visible()
