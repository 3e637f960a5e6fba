"""The page of a ticket as agents live in it: answering, two at once, after a crash, merged."""

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
def at_the_ticket(window: Windows, bob, ticket) -> Page:
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    return page


def answer_of(page: Page):
    return page.get_by_label("Your reply")


def test_agent_answers_with_a_canned_reply_and_a_file_and_leaves_it_waiting(
    at_the_ticket, ticket, canned_response
):
    page = at_the_ticket
    page.keyboard.press("r")
    page.keyboard.type("Good morning. :ass")
    page.get_by_role("option", name=re.compile("Ask for the number")).wait_for()
    page.keyboard.press("Enter")
    expect(answer_of(page)).to_have_value("Good morning. Hello Alice, which device is it?\n")
    page.get_by_label("Attachments").set_input_files(
        {"name": "where.txt", "mimeType": "text/plain", "buffer": b"under the tray"}
    )
    expect(page.get_by_text("where.txt (14 B)")).to_be_visible()
    page.get_by_label("Set status on send").select_option("waiting")
    answer_of(page).press("Control+Enter")
    conversation = page.get_by_label("Conversation")
    expect(conversation).to_contain_text("which device is it?")
    expect(conversation.get_by_role("link", name="where.txt")).to_be_visible()
    ticket.refresh_from_db()
    assert ticket.status == Status.WAITING


def test_two_agents_who_answer_at_once_see_each_others_answer(window, at_the_ticket, mei, ticket):
    other = window(mei)
    other.goto(f"/tickets/{ticket.pk}/")
    answer_of(at_the_ticket).fill("Shake the toner.")
    answer_of(other).fill("Print a test page.")
    at_the_ticket.get_by_role("button", name="Send").click()
    expect(at_the_ticket.get_by_label("Conversation")).to_contain_text("Shake the toner.")
    other.get_by_role("button", name="Send").click()
    expect(other.get_by_role("alert").filter(has_text="Shake the toner.")).to_be_visible()
    expect(answer_of(other)).to_have_value("Print a test page.")
    assert Message.objects.count() == 1
    other.get_by_role("button", name="Send anyway").click()
    expect(other.locator("#conversation")).to_contain_text("Print a test page.")
    assert Message.objects.count() == 2


def test_draft_survives_a_closed_browser(window, bob, ticket):
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
    expect(answer_of(page)).to_have_value("Half a thought about")
    expect(page.get_by_label("Internal note")).to_be_checked()
    page.get_by_role("button", name="Discard draft").click()
    expect(answer_of(page)).to_have_value("")


def test_ticket_is_merged_and_taken_out_again(at_the_ticket, alice, ticket):
    again = tickets_services.create_ticket(
        customer=alice.customer, subject="Still blank", description="Today too.", by=alice
    )
    page = at_the_ticket
    page.goto(f"/tickets/{again.pk}/")
    page.get_by_role("link", name="Merge …").click()
    page.get_by_label("Merge into").fill("blank pages")
    page.get_by_role("option").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("nothing is deleted")).to_be_visible()
    page.get_by_role("button", name=f"Merge into {ticket.number}").click()
    expect(page.get_by_label("Conversation")).to_contain_text("Today too.")
    page.get_by_role("link", name=f"View {again.number}").click()
    expect(page.get_by_text("This ticket was merged into")).to_be_visible()
    page.get_by_role("button", name="Unmerge").click()
    expect(page.get_by_text("unmerged.")).to_be_visible()
    again.refresh_from_db()
    assert (again.merged_into, again.status) == (None, Status.NEW)


def test_properties_save_themselves_and_say_so(at_the_ticket, ticket, bob):
    page = at_the_ticket
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


def test_property_somebody_else_changed_is_told_and_not_lost(at_the_ticket, ticket, mei):
    page = at_the_ticket
    tickets_services.set_priority(ticket=ticket, priority=Priority.URGENT, by=mei)
    page.get_by_label("Priority").select_option("Low")
    expect(page.locator("#saved")).to_have_text("Not saved")
    expect(page.locator("#properties").get_by_role("alert")).to_contain_text("Urgent")
    ticket.refresh_from_db()
    assert ticket.priority == Priority.URGENT


def test_ticket_on_hold_asks_until_when(at_the_ticket, ticket):
    page = at_the_ticket
    expect(page.get_by_label("On hold until")).to_be_hidden()
    page.get_by_label("Status", exact=True).select_option("On hold")
    expect(page.get_by_label("On hold until")).to_be_focused()
    page.get_by_label("On hold until").fill("2099-01-31")
    expect(page.locator("#ticket-head")).to_contain_text("until 31 Jan 2099")
    ticket.refresh_from_db()
    assert ticket.status == Status.HOLD


def test_tags_are_completed_while_typed(at_the_ticket, ticket):
    Tag.objects.create(name="printer")
    page = at_the_ticket
    page.keyboard.press("t")
    page.keyboard.type("pri")
    page.get_by_role("option", name="printer").wait_for()
    page.keyboard.press("Tab")
    expect(page.locator("#ticket-head").get_by_role("link", name="printer")).to_be_visible()
    assert [tag.name for tag in ticket.tags.all()] == ["printer"]


def test_question_mark_lists_the_keys_and_nothing_happens_while_typing(at_the_ticket):
    page = at_the_ticket
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    for words in ("Reply to customer", "Internal note", "Assign to me", "Status", "Tags"):
        expect(dialog.get_by_text(words, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    answer_of(page).fill("")
    page.keyboard.type("s?")
    expect(answer_of(page)).to_have_value("s?")
    expect(dialog).to_be_hidden()


def test_who_else_is_writing_is_shown_and_goes_away(window, at_the_ticket, mei, ticket):
    page = window(mei)
    page.goto(f"/tickets/{ticket.pk}/")
    expect(page.locator("#presence")).to_contain_text("Bob")
    at_the_ticket.context.close()


def test_answer_is_previewed_as_it_will_be_shown(at_the_ticket):
    page = at_the_ticket
    answer_of(page).fill("Shake the **toner** <script>alert(1)</script>")
    page.get_by_role("tab", name="Preview").click()
    expect(page.get_by_role("tabpanel", name="Preview").locator("strong")).to_have_text("toner")
    page.get_by_role("tab", name="Write").click()
    expect(answer_of(page)).to_be_visible()


def test_macro_does_several_things_with_one_click(
    at_the_ticket, window, bob, ticket, canned_response
):
    macros_services.add_macro(
        by=bob,
        name="Ask and wait",
        actions={"canned_response": canned_response.pk, "status": "waiting"},
    )
    page = at_the_ticket
    page.reload()
    page.keyboard.press("x")
    page.get_by_role("button", name="Ask and wait").click()
    expect(page.locator("#conversation")).to_contain_text("Hello Alice, which device is it?")
    ticket.refresh_from_db()
    assert ticket.status == Status.WAITING


def test_customer_rates_with_one_click_and_adds_words(window, alice, bob, ticket):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    page = window(alice)
    page.goto(f"/tickets/{ticket.pk}/")
    page.get_by_role("button", name="Good").click()
    page.get_by_label("Comment").fill("Quick!")
    page.get_by_role("button", name="Send comment").click()
    expect(page.get_by_text("“Quick!”")).to_be_visible()
    assert Ticket.objects.get().rating.is_good


def test_split_message_becomes_a_ticket_of_its_own(at_the_ticket, alice, ticket):
    tickets_services.reply(ticket=ticket, by=alice, body="Also, my screen flickers.")
    page = at_the_ticket
    page.reload()
    page.get_by_role("link", name="Split message by Alice Test into new ticket").click()
    page.get_by_label("Subject of the new ticket").fill("Screen flickers")
    page.get_by_role("button", name="Create new ticket").click()
    expect(page.get_by_role("heading", name="Screen flickers")).to_be_visible()
    expect(page.locator("#links")).to_contain_text(ticket.number)
