"""Agents work on tickets and articles."""

import re

import pytest
from playwright.sync_api import expect

from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Priority, Status
from appliance.triage import services as triage_services

pytestmark = pytest.mark.browser


def test_inbox_views_filter_the_list(window, bob, alice, ticket):
    tickets_services.create_ticket(
        customer=alice.customer, subject="Urgent", description="…", by=alice, priority=Priority(4)
    )
    page = window(bob)
    page.goto("/")
    views, links = page.get_by_role("navigation", name="Inbox views"), page.locator("tbody a")
    expect(links).to_have_count(2)
    views.get_by_role("link", name="Urgent 1").click()
    expect(links).to_have_text(["Urgent"])
    views.get_by_role("link", name="My tickets 0").click()
    expect(page.get_by_text("No tickets match")).to_be_visible()
    page.get_by_role("link", name="Show all 2 open tickets").click()
    expect(links).to_have_count(2)


def test_properties_are_saved_together_without_javascript(window, bob, ticket, categories):
    page = window(bob, java_script_enabled=False)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_label("Status", exact=True).select_option("Waiting for customer")
    page.get_by_label("Priority").select_option("High")
    page.get_by_label("Category").select_option(categories["hardware"].name)
    page.get_by_label("Assignee").select_option("Bob")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text(re.compile("^Activity")).click()
    expect(page.get_by_text("changed the assignee from none to Bob")).to_be_visible()
    ticket.refresh_from_db()
    properties = (ticket.status, ticket.priority, ticket.category, ticket.assignee)
    assert properties == (Status.WAITING, Priority.HIGH, categories["hardware"], bob)


def test_customer_reads_the_article_that_an_agent_inserted(window, bob, alice, ticket, articles):
    triage_services.annotate(ticket.pk)
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_label("Your reply").fill("Try this first:")
    insert = page.get_by_role("button", name=re.compile("Insert link.*blank pages"))
    insert.click()
    page.get_by_label("Set status on send").select_option("solved")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Conversation")).to_contain_text("Try this first:")
    page = window(alice)
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.locator("#ticket-head").get_by_text("Solved")).to_be_visible()
    link = page.get_by_label("Conversation").get_by_role("link", name="Printer prints blank pages")
    link.click()
    expect(page.get_by_role("article")).to_contain_text("Shake the toner")


def test_customer_never_sees_an_internal_note(window, bob, alice, ticket):
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_text("Internal note", exact=True).click()
    page.get_by_label("Your reply").fill("Alice has the old driver.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Conversation")).to_contain_text("Alice has the old driver.")
    page = window(alice)
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.get_by_label("Conversation")).to_contain_text(ticket.description)
    assert "old driver" not in page.content()


def test_list_shows_a_new_ticket_without_reloading(window, bob, alice, ticket):
    page = window(bob)
    page.clock.install()
    page.goto("/")
    with page.expect_response("**/live/**") as nothing_new:
        page.clock.run_for(10_000)
    assert nothing_new.value.status == 204
    tickets_services.create_ticket(
        customer=alice.customer, subject="Smoke!", description="…", by=alice
    )
    page.clock.run_for(10_000)
    expect(page.get_by_role("link", name="Smoke!")).to_be_visible()
    expect(page.get_by_role("link", name="All open 2")).to_be_visible()


def test_conversation_shows_a_new_reply_and_keeps_the_typed_text(window, bob, alice, ticket):
    page = window(alice)
    page.clock.install()
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_label("Your reply").fill("By the way")
    tickets_services.reply(ticket=ticket, by=bob, body="Which **toner** is it?")
    page.clock.run_for(10_000)
    expect(page.get_by_text("Which toner is it?")).to_be_visible()
    expect(page.get_by_label("Your reply")).to_have_value("By the way")


def test_ticket_page_shows_the_classification_when_it_is_ready(
    window, bob, ticket, categories, articles
):
    page = window(bob)
    page.clock.install()
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.get_by_text("Not classified yet")).to_be_visible()
    triage_services.annotate(ticket.pk)
    page.clock.run_for(2_000)
    expect(page.get_by_label("Classification")).to_contain_text("%")
    expect(page.get_by_label("Suggested articles").locator("article")).to_have_count(3)


def test_form_keeps_its_text_when_the_customer_is_unknown(window, bob):
    page = window(bob)
    page.goto("/create-ticket/")
    page.get_by_label("Customer's e-mail").fill("pia@example.org")
    page.get_by_label("Subject").fill("Door is stuck")
    page.get_by_label("Description").fill("The one to the pharmacy.")
    page.get_by_role("button", name="Submit ticket").click()
    expect(page.get_by_text("enter the customer's name")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("The one to the pharmacy.")
    page.get_by_label("Customer's name").fill("Pia")
    page.get_by_role("button", name="Submit ticket").click()
    expect(page.get_by_text("Pia <pia@example.org>")).to_be_visible()


def test_article_is_drafted_published_and_turned_into_a_draft(window, bob):
    page = window(bob)
    page.goto("/articles/new/")
    page.get_by_label("Title").fill("Blank pages")
    page.get_by_label("Content").fill("## Shake\n\nthe **toner**")
    page.get_by_label("Title").press("Enter")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("heading", name="Shake")).to_be_visible()
    expect(page.get_by_text("not visible to customers")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Visibility").select_option("Public")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Published · Public")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Turn into draft").click()
    expect(page.get_by_text("not visible to customers")).to_be_visible()
    assert Article.objects.get().status == Article.Status.DRAFT


def test_replies_from_two_windows_are_two_messages(window, bob, alice, ticket):
    """The protection against double clicks stops the same form only."""
    for text in ("First", "Second"):
        page = window(bob)
        page.goto(f"/tickets/{ticket.pk}/")
        page.get_by_label("Your reply").fill(text)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_label("Conversation")).to_contain_text(text)
    assert Message.objects.count() == 2
