"""Guests use their link, colleagues see shared tickets, invited customers set a password."""

import pytest
from playwright.sync_api import expect

from appliance.accounts import services as accounts_services
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Rating, Status, Ticket
from conftest import PASSWORD

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False], ids=["", "without JavaScript"])
def test_guest_submits_a_request_and_rates_the_reply_by_link(window, dan, bob, scripts):
    accounts_services.update_site_settings(by=dan, is_guest_form_open=True)
    page = window(java_script_enabled=scripts)
    page.goto("/login/")
    page.get_by_role("link", name="Submit a request without an account").click()
    page.get_by_label("Your name").fill("Pia")
    page.get_by_label("Your e-mail").fill("pia@example.org")
    page.get_by_label("Subject").fill("No sound in room 4")
    page.get_by_label("Description").fill("The speaker is silent.")
    page.get_by_role("button", name="Submit request").click()
    link = page.get_by_label("Your private link").input_value()
    ticket = Ticket.objects.get()
    tickets_services.reply(ticket=ticket, by=bob, body="Press the **mute** key.")
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    page = window(java_script_enabled=scripts)  # another day, another browser
    page.goto(link)
    expect(page.get_by_label("Conversation")).to_contain_text("Press the mute key.")
    page.get_by_label("Comment").fill("Quick.")
    page.get_by_role("button", name="Good").click()
    expect(page.get_by_text("Your rating: good")).to_be_visible()
    page.get_by_label("Your reply").fill("Silent again.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Conversation")).to_contain_text("Silent again.")
    ticket.refresh_from_db()
    assert (ticket.status, Rating.objects.get().comment) == (Status.OPEN, "Quick.")


def test_colleague_sees_a_shared_ticket_and_its_owner(window, alice, carol, dan, ticket):
    ward = accounts_services.add_organisation(by=dan, name="Ward 3", shares_tickets=True)
    type(alice.customer).objects.update(organisation=ward)
    page = window(carol)
    page.goto("/")
    expect(page.get_by_role("row", name=ticket.subject)).to_contain_text("Alice Test")
    page.get_by_role("link", name=ticket.subject).click()
    expect(page.get_by_role("main")).to_contain_text("This ticket belongs to Alice Test")
    page.get_by_label("Your reply").fill("Room 4, too.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Conversation")).to_contain_text("Room 4, too.")
    page.goto("/?whose=mine")
    expect(page.get_by_text("No tickets yet")).to_be_visible()


def test_invited_customer_sets_a_password_and_a_language(window, dan):
    eve = accounts_services.add_person(by=dan, email="eve@example.org", first_name="Eve")
    page = window()
    page.goto(f"/welcome/{accounts_services.invite(person=eve, by=dan)}/")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    page.get_by_label("Account: Eve").click()
    page.get_by_role("link", name="Your profile").click()
    page.get_by_role("combobox", name="Language").select_option("Deutsch")
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
