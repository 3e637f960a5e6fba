"""The ticket page: replies, drafts, properties, macros, merge and split."""

import re

import pytest
from playwright.sync_api import Page, expect

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Role, User
from appliance.macros import services as macros_services
from appliance.macros.models import CannedResponse
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Priority, Status, Tag, Ticket
from tests.windows import Windows

pytestmark = pytest.mark.browser


@pytest.fixture
def mei(db) -> User:
    return accounts_services.add_user(
        email="mei@example.org", first_name="Mei", role=Role.AGENT, password="a-rock-in-the-sea"
    )


@pytest.fixture
def canned_response(bob) -> CannedResponse:
    return macros_services.add_canned_response(
        by=bob,
        name="Ask for the number",
        shortcut="asset",
        audience="all",
        body="Hello {customer_first_name}, which device is it?",
    )


@pytest.fixture
def ticket_page(window: Windows, bob, ticket) -> Page:
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    return page


def reply_field(page: Page):
    return page.get_by_label("Your reply")


def test_agent_replies_with_canned_response_and_attachment_and_sets_waiting(
    ticket_page, ticket, canned_response
):
    page = ticket_page
    page.keyboard.press("r")
    page.keyboard.type("Good morning. :ass")
    page.get_by_role("option", name=re.compile("Ask for the number")).wait_for()
    page.keyboard.press("Enter")
    expect(reply_field(page)).to_have_value("Good morning. Hello Alice, which device is it?\n")
    page.get_by_label("Attachments").set_input_files(
        {"name": "where.txt", "mimeType": "text/plain", "buffer": b"under the tray"}
    )
    expect(page.get_by_text("where.txt (14 B)")).to_be_visible()
    page.get_by_label("Set status on send").select_option("waiting")
    reply_field(page).press("Control+Enter")
    conversation = page.get_by_label("Conversation")
    expect(conversation).to_contain_text("which device is it?")
    expect(conversation.get_by_role("link", name="where.txt")).to_be_visible()
    ticket.refresh_from_db()
    assert ticket.status == Status.WAITING


def test_agent_is_warned_of_a_reply_by_a_colleague(window, ticket_page, mei, ticket):
    other = window(mei)
    other.goto(f"/tickets/{ticket.pk}/")
    reply_field(ticket_page).fill("Shake the toner.")
    reply_field(other).fill("Print a test page.")
    ticket_page.get_by_role("button", name="Send").click()
    expect(ticket_page.get_by_label("Conversation")).to_contain_text("Shake the toner.")
    other.get_by_role("button", name="Send").click()
    expect(other.get_by_role("alert").filter(has_text="Shake the toner.")).to_be_visible()
    expect(reply_field(other)).to_have_value("Print a test page.")
    assert Message.objects.count() == 1
    other.get_by_role("button", name="Send anyway").click()
    expect(other.locator("#conversation")).to_contain_text("Print a test page.")
    assert Message.objects.count() == 2


def test_draft_is_restored_in_a_new_browser(window, bob, ticket):
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    page.keyboard.press("n")
    with page.expect_response("**/draft/"):
        page.keyboard.type("Half a thought about")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    page.context.close()
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.get_by_text("Draft restored from")).to_be_visible()
    expect(reply_field(page)).to_have_value("Half a thought about")
    expect(page.get_by_label("Internal note")).to_be_checked()
    page.get_by_role("button", name="Discard draft").click()
    expect(reply_field(page)).to_have_value("")


def test_ticket_is_merged_and_unmerged(ticket_page, alice, ticket):
    duplicate = tickets_services.create_ticket(
        customer=alice.customer, subject="Still blank", description="Today too.", by=alice
    )
    page = ticket_page
    page.goto(f"/tickets/{duplicate.pk}/")
    page.get_by_role("link", name="Merge …").click()
    page.get_by_label("Merge into").fill("blank pages")
    page.get_by_role("option").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("nothing is deleted")).to_be_visible()
    page.get_by_role("button", name=f"Merge into {ticket.number}").click()
    expect(page.get_by_label("Conversation")).to_contain_text("Today too.")
    page.get_by_role("link", name=f"View {duplicate.number}").click()
    expect(page.get_by_text("This ticket was merged into")).to_be_visible()
    page.get_by_role("button", name="Unmerge").click()
    expect(page.get_by_text("unmerged.")).to_be_visible()
    duplicate.refresh_from_db()
    assert (duplicate.merged_into, duplicate.status) == (None, Status.NEW)


def test_properties_are_saved_automatically(ticket_page, ticket, bob):
    page = ticket_page
    page.keyboard.press("p")
    expect(page.get_by_label("Priority")).to_be_focused()
    page.get_by_label("Priority").select_option("High")
    expect(page.locator("#saved")).to_have_text("Saved")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    expect(page.get_by_label("Assignee")).to_have_value(str(bob.pk))
    page.get_by_text(re.compile("^Activity")).click()
    expect(page.get_by_text("changed the priority from Normal to High")).to_be_visible()
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.assignee) == (Priority.HIGH, bob)


def test_property_changed_by_a_colleague_is_not_overwritten(ticket_page, ticket, mei):
    page = ticket_page
    tickets_services.set_priority(ticket=ticket, priority=Priority.URGENT, by=mei)
    page.get_by_label("Priority").select_option("Low")
    expect(page.locator("#saved")).to_have_text("Not saved")
    expect(page.locator("#properties").get_by_role("alert")).to_contain_text("Urgent")
    ticket.refresh_from_db()
    assert ticket.priority == Priority.URGENT


def test_hold_requires_a_date(ticket_page, ticket):
    page = ticket_page
    expect(page.get_by_label("On hold until")).to_be_hidden()
    page.get_by_label("Priority").select_option("High")
    expect(page.locator("#saved")).to_have_text("Saved")
    page.get_by_label("Status", exact=True).select_option("On hold")
    expect(page.locator("#saved")).to_have_text("Not saved")
    expect(page.locator("#saved .saved-not")).to_be_visible()
    expect(page.locator("#properties").get_by_role("alert")).to_contain_text("No date")
    expect(page.get_by_label("On hold until")).to_be_focused()
    expect(page.get_by_label("On hold until")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("On hold until").fill("2099-01-31")
    expect(page.locator("#ticket-head")).to_contain_text("until 31 Jan 2099")
    ticket.refresh_from_db()
    assert ticket.status == Status.HOLD


@pytest.mark.parametrize("preset", ["Tomorrow", "No date"])
def test_hold_is_set_with_one_click(ticket_page, ticket, preset):
    page = ticket_page
    page.get_by_label("Status", exact=True).select_option("On hold")
    page.get_by_role("button", name=preset).click()
    expect(page.locator("#saved")).to_have_text("Saved")
    ticket.refresh_from_db()
    assert ticket.status == Status.HOLD
    assert (ticket.resume_at is None) == (preset == "No date")
    page.get_by_label("Priority").select_option("High")
    expect(page.locator("#saved")).to_have_text("Saved")
    expect(page.locator("#properties").get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("label", ["Priority", "Tags", "Asset"])
def test_save_without_an_answer_clears_the_old_saved(ticket_page, ticket, dan, label):
    tickets_services.add_field(by=dan, label="Asset", kind="text")
    page = ticket_page
    page.reload()
    page.get_by_label("Priority").select_option("High")
    expect(page.locator("#saved")).to_have_text("Saved")
    page.context.set_offline(True)
    field = page.locator("#properties-column").get_by_label(label)
    if label == "Priority":
        field.select_option("Low")
    else:
        field.fill("17")
        field.press("Tab")
    expect(page.locator("#saved .saved-not")).to_contain_text("Not saved")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.context.set_offline(False)


def test_invalid_custom_field_says_so_and_keeps_what_was_typed(ticket_page, ticket, dan):
    tickets_services.add_field(by=dan, label="Floor", kind="number")
    page = ticket_page
    page.reload()
    page.get_by_label("Priority").select_option("High")
    expect(page.locator("#saved")).to_have_text("Saved")
    field = page.get_by_label("Floor")
    field.focus()  # the refresh after a change leaves a part with the focus alone
    field.evaluate("(field) => { field.type = 'text'; }")  # a browser that has no number field
    field.fill("three")
    field.press("Tab")
    expect(page.locator("#saved")).to_have_text("Not saved")
    expect(page.locator("#fields").get_by_role("alert")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")


def test_number_that_a_browser_cannot_read_is_not_said_to_be_saved(ticket_page, ticket, dan):
    tickets_services.add_field(by=dan, label="Floor", kind="number")
    tickets_services.add_field(by=dan, label="Room", kind="text")
    page = ticket_page
    page.reload()
    field = page.get_by_label("Floor")
    field.press_sequentially("12e")
    field.press("Tab")
    expect(page.locator("#saved")).to_have_text("Not saved. Correct the marked field.")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Room").fill("B 12")
    page.get_by_label("Room").press("Tab")
    expect(page.locator("#saved")).to_have_text("Not saved. Correct the marked field.")
    field.fill("12")
    field.press("Tab")
    expect(page.locator("#saved")).to_have_text("Saved")
    ticket.refresh_from_db()
    assert ticket.fields == {"floor": 12, "room": "B 12"}


def test_tags_are_autocompleted(ticket_page, ticket):
    Tag.objects.create(name="printer")
    page = ticket_page
    page.keyboard.press("t")
    page.keyboard.type("pri")
    page.get_by_role("option", name="printer").wait_for()
    page.keyboard.press("Tab")
    expect(page.locator("#ticket-head").get_by_role("link", name="printer")).to_be_visible()
    assert [tag.name for tag in ticket.tags.all()] == ["printer"]


def test_tab_waits_for_the_tags_that_match_what_was_typed_last(ticket_page, ticket):
    Tag.objects.bulk_create([Tag(name="printer"), Tag(name="projector")])
    page = ticket_page
    page.keyboard.press("t")
    page.keyboard.type("p")
    page.get_by_role("option", name="printer").wait_for()
    page.keyboard.type("roj")
    page.keyboard.press("Tab")
    expect(page.locator("#ticket-head").get_by_role("link", name="projector")).to_be_visible()
    assert [tag.name for tag in ticket.tags.all()] == ["projector"]


def test_question_mark_lists_the_shortcuts_except_while_typing(ticket_page):
    page = ticket_page
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    for text in ("Reply to customer", "Internal note", "Assign to me", "Status", "Tags"):
        expect(dialog.get_by_text(text, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    reply_field(page).fill("")
    page.keyboard.type("s?")
    expect(reply_field(page)).to_have_value("s?")
    expect(dialog).to_be_hidden()


def test_colleague_on_the_ticket_page_is_shown(window, ticket_page, mei, ticket):
    page = window(mei)
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.locator("#presence")).to_contain_text("Bob")
    ticket_page.context.close()


def test_reply_is_previewed(ticket_page):
    page = ticket_page
    reply_field(page).fill("Shake the **toner** <script>alert(1)</script>")
    page.get_by_role("tab", name="Preview").click()
    expect(page.get_by_role("tabpanel", name="Preview").locator("strong")).to_have_text("toner")
    page.get_by_role("tab", name="Write").click()
    expect(reply_field(page)).to_be_visible()


@pytest.mark.parametrize("actions", [{"status": "waiting"}, {"canned_response": 0}])
def test_macro_keeps_what_was_typed_just_before(ticket_page, ticket, canned_response, actions):
    if "canned_response" in actions:
        actions = {"canned_response": canned_response.pk}
    macros_services.add_macro(by=canned_response.owner, name="Do it", actions=actions)
    page = ticket_page
    page.reload()
    reply_field(page).fill("Half a reply")
    page.locator("summary", has_text="Macros").click()
    page.locator(".macros .menu-body").get_by_text("Do it").click()
    if "canned_response" in actions:
        page.get_by_role("dialog").get_by_role("button", name="Send and apply").click()
    expect(page.get_by_text("Macro “Do it” applied.")).to_be_visible()
    expect(reply_field(page)).to_have_value("Half a reply")


def test_macro_does_not_run_when_the_draft_cannot_be_stored(ticket_page, bob, ticket):
    macros_services.add_macro(by=bob, name="Do it", actions={"status": "solved"})
    page = ticket_page
    page.reload()
    page.route("**/draft/", lambda route: route.abort())
    reply_field(page).fill("Half a reply")
    page.locator("summary", has_text="Macros").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("Draft not saved")).to_be_visible()
    expect(reply_field(page)).to_have_value("Half a reply")
    ticket.refresh_from_db()
    assert ticket.status == Status.NEW
    page.get_by_role("button", name="Send").click()  # a reply is sent all the same
    expect(page.locator("#conversation")).to_contain_text("Half a reply")


def test_sending_from_one_window_keeps_the_draft_of_another(window, ticket_page, bob, ticket):
    first, second = ticket_page, window(bob)
    second.goto(f"/tickets/{ticket.pk}/")
    with first.expect_response("**/draft/"):
        reply_field(first).fill("A long and careful answer")
    with second.expect_response("**/draft/"):
        reply_field(second).fill("Quick answer")
    second.get_by_role("button", name="Send").click()
    expect(second.locator("#conversation")).to_contain_text("Quick answer")
    expect(reply_field(second)).to_have_value("A long and careful answer")


def test_draft_remembers_a_late_change_to_an_internal_note(ticket_page):
    page = ticket_page
    with page.expect_response("**/draft/"):
        reply_field(page).fill("Alice has the old driver.")
    with page.expect_response("**/draft/"):
        page.get_by_text("Internal note", exact=True).click()
    page.reload()
    expect(page.get_by_label("Internal note")).to_be_checked()


def test_draft_is_gone_after_it_was_sent(ticket_page):
    page = ticket_page
    with page.expect_response("**/draft/"):
        reply_field(page).fill("Half a reply")
    reply_field(page).press("End")
    page.keyboard.type(", finished.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#conversation")).to_contain_text("Half a reply, finished.")
    page.reload()
    expect(reply_field(page)).to_have_value("")


def test_macro_is_applied_after_its_preview(ticket_page, window, bob, ticket, canned_response):
    macros_services.add_macro(
        by=bob,
        name="Ask and wait",
        actions={"canned_response": canned_response.pk, "status": "waiting"},
    )
    page = ticket_page
    page.reload()
    page.keyboard.press("x")
    page.get_by_role("link", name="Ask and wait").click()
    dialog = page.get_by_role("dialog", name="Apply macro “Ask and wait”")
    expect(dialog).to_contain_text("Hello Alice, which device is it?")
    assert not Message.objects.exists()
    dialog.get_by_role("button", name="Send and apply").click()
    expect(page.locator("#conversation")).to_contain_text("Hello Alice, which device is it?")
    ticket.refresh_from_db()
    assert ticket.status == Status.WAITING


def test_customer_rates_with_one_click_and_adds_a_comment(window, alice, bob, ticket):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    page = window(alice)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_role("button", name="Good").click()
    page.get_by_label("Comment").fill("Quick!")
    page.get_by_role("button", name="Send comment").click()
    expect(page.get_by_text("“Quick!”")).to_be_visible()
    assert Ticket.objects.get().rating.is_good


def test_message_is_split_into_a_new_ticket(ticket_page, alice, ticket):
    tickets_services.reply(ticket=ticket, by=alice, body="Also, my screen flickers.")
    page = ticket_page
    page.reload()
    page.get_by_role("link", name="Split message by Alice Test into new ticket").click()
    page.get_by_label("Subject of the new ticket").fill("Screen flickers")
    page.get_by_role("button", name="Create new ticket").click()
    expect(page.get_by_role("heading", name="Screen flickers")).to_be_visible()
    expect(page.locator("#links")).to_contain_text(ticket.number)
