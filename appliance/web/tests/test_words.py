"""What customers write reads as they typed it wherever it is shown; agents write Markdown."""

import json
import zipfile
from io import BytesIO

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.notifications.models import OutgoingEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Ticket
from appliance.tickets.words import MAX_CHARACTERS, fold
from appliance.web import services

TYPED = [
    r"\\fs-01\Radiology\[Archive]\_old",
    r"C:\_temp\*.log  and   blanks",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    '{\n    "key":   [1, 2],\n\t"b": "<c>"\n}',
    "Regards\n---\nAlice",
    "# systemctl restart nginx\n1. a\n4. b",
    "__init__ and **kwargs and ~~x~~ &amp; &lt;",
    "> quoted\n>> twice\n\n\n    indented",
    "שלום (hello) مرحبا 👨\u200d👩\u200d👧",
]
HOSTILE = ["[" * 200_000, "a\n" * 100_000, "*_" * 100_000, "|a|\n|-|\n" * 20_000, "x" * 1_000_000]


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(viewer: User, ticket: Ticket, **query: str) -> BeautifulSoup:
    response = log_in(viewer).get(reverse("ticket", args=[ticket.pk]), query)
    return BeautifulSoup(response.content, "html.parser")


@pytest.fixture
def guest_form(dan) -> None:
    accounts_services.update_site_settings(by=dan, is_guest_form_open=True)


def words(page: BeautifulSoup, element_id: str) -> str:
    return page.select_one(f"#{element_id} [data-words]").get_text()


@pytest.mark.parametrize("text", TYPED)
def test_customers_ticket_and_reply_read_as_typed(alice, bob, text):
    client = log_in(alice)
    client.post(reverse("create-ticket"), {"subject": "Help", "description": text})
    ticket = Ticket.objects.get()
    client.post(reverse("reply", args=[ticket.pk]), {"body": text, "seen_message": "0"})
    for viewer in (alice, bob):
        page = page_of(viewer, ticket)
        assert words(page, "opening") == text.strip()
        assert words(page, f"message-{ticket.messages.get().pk}") == text.strip()


@pytest.mark.parametrize("text", TYPED[:3])
def test_guests_reply_reads_as_typed(guest_form, bob, text):
    ticket, token = services.create_guest_ticket(
        ip_address="10.0.0.1", name="Gus", email="gus@x.org", subject="Help", description=text
    )
    client = Client()
    client.post(reverse("guest-reply", args=[token]), {"body": text})
    page = BeautifulSoup(client.get(reverse("guest-ticket", args=[token])).content, "html.parser")
    for shown in (page, page_of(bob, ticket)):
        assert words(shown, "opening") == text
        assert words(shown, f"message-{ticket.messages.get().pk}") == text


def test_ticket_that_an_agent_enters_reads_as_the_customer_said_it(bob, alice):
    form = {"subject": "Call", "description": TYPED[0], "priority": "2", "channel": "phone"}
    log_in(bob).post(reverse("create-ticket"), form | {"customer_email": alice.email})
    assert words(page_of(bob, Ticket.objects.get()), "opening") == TYPED[0]


def test_agents_replies_and_notes_are_markdown(alice, bob, ticket):
    reply = tickets_services.reply(ticket=ticket, by=bob, body="4. **four**\n5. five")
    note = tickets_services.add_note(ticket=ticket, by=bob, body="`x`")
    page = page_of(bob, ticket)
    assert page.select_one(f"#message-{reply.pk} ol[start='4'] strong").text == "four"
    assert page.select_one(f"#message-{note.pk} code").text == "x"
    assert page_of(alice, ticket).select_one(f"#message-{reply.pk} strong")


def test_agent_who_asks_for_help_writes_markdown_too(bob):
    client = log_in(bob)
    client.post(
        reverse("create-ticket"),
        {"subject": "My PC", "description": "**x**", "priority": "2", "channel": "phone"},
    )
    ticket = Ticket.objects.get()
    reply = tickets_services.reply(ticket=ticket, by=bob, body="**x**")
    page = page_of(bob, ticket)
    assert words(page, "opening") == "**x**", "a description is always as typed"
    assert page.select_one(f"#message-{reply.pk} strong")


@pytest.mark.parametrize("text", TYPED)
def test_merged_and_split_tickets_read_as_typed(alice, bob, dan, ticket, text):
    source = tickets_services.create_ticket(
        customer=alice.customer, subject="Again", description=text, by=alice
    )
    reply = tickets_services.reply(ticket=source, by=alice, body=text)
    tickets_services.merge_tickets(source=source, target=ticket, by=dan)
    page = page_of(bob, ticket)
    assert words(page, f"opening-{source.pk}") == f"Again\n\n{text}"
    assert words(page, f"message-{reply.pk}") == text
    own = tickets_services.reply(ticket=ticket, by=alice, body=text)
    response = log_in(dan).get(reverse("split-ticket", args=[ticket.pk, own.pk]))
    shown = BeautifulSoup(response.content, "html.parser").select_one("article .plain")
    assert shown.get_text() == text
    new = tickets_services.split_ticket(message=own, by=dan, subject="New")
    assert words(page_of(bob, new), "opening") == text


def test_email_says_what_is_read(alice, bob, ticket):
    tickets_services.reply(
        ticket=ticket, by=bob, body="See **this**: \\_\\_init\\_\\_ in `C:\\_x`\n\n4. four"
    )
    body = OutgoingEmail.objects.get(user=alice).body
    assert "See this: __init__ in C:\\_x\n\n4. four" in body


def test_email_says_how_much_it_leaves_out(alice, bob, ticket):
    tickets_services.reply(ticket=ticket, by=bob, body="a " * 12_000)
    assert "[4000 more characters: read them in the ticket.]" in OutgoingEmail.objects.get().body


def test_full_email_says_that_more_has_happened(alice, bob, ticket):
    for _number in range(7):
        tickets_services.reply(ticket=ticket, by=bob, body="a " * 10_000)
    body = OutgoingEmail.objects.get(user=alice).body
    assert body.endswith("More has happened since: read it in the ticket.")
    assert body.count("More has happened") == 1
    assert len(body) < 110_000


def test_export_has_texts_as_typed(alice, dan, ticket):
    tickets_services.reply(ticket=ticket, by=alice, body=TYPED[0])
    content = b"".join(services.export_customer(customer=alice.customer, by=dan))
    with zipfile.ZipFile(BytesIO(content)) as archive:
        data = json.loads(archive.read(f"tickets/{ticket.number}.json"))
    assert data["messages"][0]["body"] == TYPED[0]


# --- long texts


@pytest.mark.parametrize("text", HOSTILE)
def test_long_text_is_folded_and_shown_in_full_without_javascript(alice, bob, ticket, text):
    tickets_services.reply(ticket=ticket, by=alice, body=text)
    note = tickets_services.add_note(ticket=ticket, by=bob, body=text + "the end")
    element = f"message-{note.pk}"
    page = page_of(bob, ticket)
    assert len(str(page)) < 150_000
    link = page.select_one(f"#{element} .show-all a")
    assert link.text == "Show all"
    response = log_in(bob).get(reverse("ticket", args=[ticket.pk]) + link["href"].split("#")[0])
    full_page = BeautifulSoup(response.content, "html.parser")
    assert words(full_page, element) == text + "the end"
    assert not full_page.select(f"#{element} .show-all")


def test_long_description_is_folded_for_guests(guest_form):
    text = "line\n" * 3_000 + "the end"
    _ticket, token = services.create_guest_ticket(
        ip_address="10.0.0.1", name="Gus", email="gus@x.org", subject="Help", description=text
    )
    path = reverse("guest-ticket", args=[token])
    page = BeautifulSoup(Client().get(path).content, "html.parser")
    assert len(words(page, "opening")) < MAX_CHARACTERS
    link = page.select_one("#opening .show-all a")["href"].split("#")[0]
    full_page = BeautifulSoup(Client().get(path + link).content, "html.parser")
    assert words(full_page, "opening") == text


def test_text_is_folded_between_words():
    text = "word " * 2_000
    assert fold(text).endswith("word")
    assert text.startswith(fold(text))
    assert fold("a " * 2_500) == "a " * 2_500, "not a character longer than what is shown at once"
    assert fold("line\n" * 100).count("\n") == 59
    assert fold("x" * 9_000) == "x" * 4_000


def test_earlier_messages_come_in_parts(bob, ticket):
    Message.objects.bulk_create(
        Message(ticket=ticket, author=bob, author_name="Bob", body=f"No. {number}.")
        for number in range(250)
    )
    assert "Show 230 earlier messages" in str(page_of(bob, ticket))
    page = page_of(bob, ticket, all="1")
    assert len(page.select(".message")) == 201, "with the description"
    assert "Show 50 earlier messages" in str(page)
    assert "No. 0." in str(page_of(bob, ticket, all="2"))
