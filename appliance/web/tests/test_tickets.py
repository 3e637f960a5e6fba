import pytest
from bs4 import BeautifulSoup
from django.urls import reverse

from appliance.accounts.models import Customer
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket
from appliance.triage.models import Correction

FORM_DATA = {"subject": "Scanner is dead", "description": "No light since the cleaning."}


@pytest.fixture
def as_alice(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


def send_properties(client, ticket, **changes):
    """Send the properties form of the page after some of its fields were changed."""
    fields = {"status": ticket.status, "priority": ticket.priority, "category": "", "assignee": ""}
    before = {f"initial-{name}": value for name, value in fields.items()}
    return client.post(reverse("update-ticket", args=[ticket.pk]), before | fields | changes)


def test_customer_creates_a_ticket_and_is_sent_to_its_page(as_alice, alice):
    response = as_alice.post(reverse("create-ticket"), FORM_DATA)
    ticket = Ticket.objects.get()
    assert ticket.customer.user == alice
    assert response.url == reverse("ticket", args=[ticket.pk])


def test_empty_subject_is_refused_and_the_description_kept(as_alice):
    response = as_alice.post(reverse("create-ticket"), FORM_DATA | {"subject": " "})
    assert response.status_code == 400
    assert list(response.context["form"].errors) == ["subject"]
    assert "No light since the cleaning." in response.content.decode()


def test_null_character_is_dropped(as_alice):
    as_alice.post(reverse("create-ticket"), FORM_DATA | {"description": "a\0b"})
    assert Ticket.objects.get().description == "ab"


def test_very_long_description_is_saved(as_alice):
    as_alice.post(reverse("create-ticket"), FORM_DATA | {"description": "long log line " * 70_000})
    assert len(Ticket.objects.get().description) > 900_000


def test_agent_creates_a_ticket_for_a_caller(as_bob):
    caller = {"customer_email": "Pia@example.org", "customer_name": "Pia", "priority": 3}
    caller["channel"] = "phone"
    as_bob.post(reverse("create-ticket"), FORM_DATA | caller)
    ticket = Ticket.objects.get()
    assert (ticket.customer.email, ticket.priority) == ("pia@example.org", 3)


def test_unknown_caller_needs_a_name(as_bob):
    caller = {"customer_email": "pia@example.org", "priority": 2, "channel": "phone"}
    response = as_bob.post(reverse("create-ticket"), FORM_DATA | caller)
    assert list(response.context["form"].errors) == ["customer_name"]
    assert not Customer.objects.exists()


def test_customer_cannot_choose_a_priority_or_another_customer(as_alice, alice):
    form_data = {"priority": 4, "customer_email": "carol@example.org", "customer_name": "Carol"}
    as_alice.post(reverse("create-ticket"), FORM_DATA | form_data)
    ticket = Ticket.objects.get()
    assert (ticket.customer.user, ticket.priority) == (alice, 2)


def test_ticket_shows_description_as_text(as_alice, ticket):
    Ticket.objects.update(description="<b onclick=x>bold</b>")
    page = as_alice.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert "&lt;b onclick=x&gt;bold&lt;/b&gt;" in page


def test_unclassified_ticket_says_so(as_alice, ticket):
    page = as_alice.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert "Not classified yet" in page


def test_sentiment_and_history_are_for_agents(as_alice, ticket):
    page = as_alice.get(reverse("ticket", args=[ticket.pk])).content.decode()
    for word in ("Sentiment", "History", "Internal note", "Properties"):
        assert word not in page


def test_reply_is_read_by_the_customer(as_bob, ticket, alice):
    as_bob.post(
        reverse("reply", args=[ticket.pk]),
        {"body": "Shake the **toner**.", "kind": "reply", "new_status": "waiting"},
    )
    ticket.refresh_from_db()
    assert ticket.status == Status.WAITING
    as_bob.force_login(alice)
    page = as_bob.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert "Shake the <strong>toner</strong>." in page


def test_customer_cannot_see_a_note(as_bob, ticket, alice):
    as_bob.post(reverse("reply", args=[ticket.pk]), {"body": "user is confused", "kind": "note"})
    as_bob.force_login(alice)
    for name in ("ticket", "conversation"):
        page = as_bob.get(reverse(name, args=[ticket.pk])).content.decode()
        assert "user is confused" not in page


def test_empty_reply_is_refused(as_bob, ticket):
    response = as_bob.post(reverse("reply", args=[ticket.pk]), {"body": " ", "kind": "reply"})
    assert response.status_code == 400
    assert "The reply is empty" in response.content.decode()


def test_reply_to_a_closed_ticket_keeps_the_text(as_alice, ticket, bob):
    tickets_services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    response = as_alice.post(reverse("reply", args=[ticket.pk]), {"body": "It is back!"})
    assert response.status_code == 400
    assert "is closed" in response.content.decode()
    assert "It is back!" in response.content.decode()


def test_unchanged_properties_are_not_overwritten(as_bob, ticket, bob, dan):
    tickets_services.set_priority(ticket=ticket, priority=4, by=dan)  # after Bob opened the page
    send_properties(as_bob, Ticket(pk=ticket.pk, status="new", priority=2), status="open")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.priority) == ("open", 4)


def test_changed_category_is_a_correction(as_bob, ticket, categories):
    send_properties(as_bob, ticket, category=categories["hardware"].pk)
    correction = Correction.objects.get()
    assert (correction.category.slug, correction.by.first_name) == ("hardware", "Bob")


def test_invalid_property_changes_nothing(as_bob, ticket):
    assert send_properties(as_bob, ticket, status="exploded").status_code == 400
    ticket.refresh_from_db()
    assert ticket.status == Status.NEW


def test_customer_cannot_change_properties(as_alice, ticket):
    assert send_properties(as_alice, ticket, status="closed").status_code == 403


def test_conversation_is_sent_only_after_a_change(as_alice, ticket, bob):
    url = reverse("conversation", args=[ticket.pk])
    seen = {"seen": ticket.events.last().pk}
    assert as_alice.get(url, seen).status_code == 204
    tickets_services.reply(ticket=ticket, by=bob, body="Hello")
    assert "Hello" in as_alice.get(url, seen).content.decode()


def test_suggestions_need_some_text(as_alice):
    response = as_alice.post(reverse("suggest"), {"subject": "hi", "description": ""})
    assert "appear here" in response.content.decode()


def test_address_with_a_null_character_is_refused(client, bob):
    client.force_login(bob)
    typed = {"customer_email": "a\0@example.org", "subject": "Printer", "description": "Blank."}
    assert client.post(reverse("suggest"), typed).status_code == 200
    assert client.post(reverse("create-ticket"), typed).status_code == 400


def test_agents_form_begins_with_the_customer_and_ends_with_the_files(client, bob, dan):
    tickets_services.add_field(by=dan, label="Asset", kind="text", is_for_customers=True)
    client.force_login(bob)
    form = client.get(reverse("create-ticket")).context["form"]
    names = [field.name for field in form.visible_fields()]
    assert names[0] == "customer_email" and names[-1] == "files"
    focused = [field.name for field in form if "autofocus" in field.field.widget.attrs]
    assert focused == ["customer_email"]
    assert "you did" not in " ".join(str(field.help_text) for field in form)


def test_agents_form_for_a_chosen_customer_begins_with_the_subject(client, alice, bob):
    client.force_login(bob)
    page = client.get(reverse("create-ticket"), {"customer": alice.customer.pk})
    form = page.context["form"]
    focused = [field.name for field in form if "autofocus" in field.field.widget.attrs]
    assert focused == ["subject"]


def test_customers_form_keeps_its_help_and_ends_with_the_files(client, alice, dan):
    tickets_services.add_field(by=dan, label="Asset", kind="text", is_for_customers=True)
    client.force_login(alice)
    form = client.get(reverse("create-ticket")).context["form"]
    names = [field.name for field in form.visible_fields()]
    assert names[0] == "subject" and names[-1] == "files"
    assert "What you did" in form["description"].help_text


def test_search_forms_of_a_page_have_names_of_their_own(client, bob, dan, ticket):
    client.force_login(dan)
    for path in (reverse("ticket", args=[ticket.pk]), "/articles/", "/search/", "/manage/people/"):
        page = BeautifulSoup(client.get(path).content, "html.parser")
        forms = page.select("[role=search]")
        names = [form.get("aria-label") or form.get("aria-labelledby") for form in forms]
        assert len(names) > 1 and all(names) and len(set(names)) == len(names), path
