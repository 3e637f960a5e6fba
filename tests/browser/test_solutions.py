"""Sentences that solved similar tickets are inserted beside what was typed."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage import services as triage_services
from tests.windows import Windows

pytestmark = pytest.mark.browser
SEAL = "Pull the orange seal out of the toner cartridge."
TRAY = "Then open the tray and restart the printer."


@pytest.fixture
def solved(ticket, carol, bob, warm_models) -> Ticket:
    solved = tickets_services.create_ticket(
        customer=carol.customer, subject=ticket.subject, description=ticket.description, by=bob
    )
    at = timezone.now() - timedelta(days=3)
    body = f"Hello Carol,\n\n{SEAL} {TRAY}"
    tickets_services.reply(ticket=solved, by=bob, body=body, status=Status.SOLVED, at=at)
    for text in (ticket, solved):
        triage_services.annotate(text.pk)
    triage_services.extract_solutions()
    return solved


@pytest.fixture
def ticket_page(window: Windows, bob, ticket, solved) -> Page:
    page = window(bob)
    page.goto(f"/tickets/{ticket.pk}/")
    return page


def test_key_and_button_insert_a_sentence_and_overwrite_nothing(ticket_page, solved, ticket):
    page, field = ticket_page, ticket_page.get_by_label("Your reply")
    panel = page.get_by_role("region", name="Solved before")
    expect(panel.get_by_role("link", name=solved.number)).to_be_visible()
    field.fill("Good morning.")
    field.select_text()
    field.blur()
    page.keyboard.press("b")
    expect(field).to_have_value(f"Good morning. {SEAL}")
    expect(field).to_be_focused()
    panel.get_by_role("button", name=TRAY).click()
    expect(field).to_have_value(f"Good morning. {SEAL} {TRAY}")
    field.press("Control+Enter")
    expect(page.get_by_label("Conversation")).to_contain_text(SEAL)
    page.get_by_label("Your reply").fill(f"Once more. {SEAL}")
    expect(page.get_by_text("Already sent on this ticket")).to_be_visible()


def test_key_is_listed_among_the_shortcuts(ticket_page):
    ticket_page.keyboard.press("?")
    dialog = ticket_page.get_by_role("dialog")
    expect(dialog).to_contain_text("Insert the first sentence of “Solved before”")
