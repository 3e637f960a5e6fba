"""The page of a ticket: query counts, what it shows to whom, and what a refused form keeps."""

import uuid
from datetime import UTC, datetime

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Role, User
from appliance.core import cache
from appliance.core.models import SiteSettings
from appliance.knowledge import services as knowledge_services
from appliance.macros import services as macros_services
from appliance.macros.models import Macro
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import (
    CustomField,
    Draft,
    Message,
    Priority,
    Status,
    Ticket,
    TicketLink,
)
from appliance.web.templatetags.web import activity, describe_event

MAX_QUERIES_OF_AGENTS = 23
MAX_QUERIES_OF_CUSTOMERS = 16
MAX_QUERIES_OF_OPENING = 28


@pytest.fixture
def as_alice(alice) -> Client:
    return log_in(alice)


@pytest.fixture
def as_bob(bob) -> Client:
    return log_in(bob)


@pytest.fixture
def mei(db) -> User:
    return accounts_services.add_user(
        email="mei@example.org", first_name="Mei", role=Role.AGENT, password="a-rock-in-the-sea"
    )


@pytest.fixture
def second(alice) -> Ticket:
    return tickets_services.create_ticket(
        customer=alice.customer, subject="Second", description="Another.", by=alice
    )


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(name: str, *arguments: object) -> str:
    return reverse(name, args=arguments)


def page_of(client: Client, ticket: Ticket, **query: object) -> str:
    return client.get(url("ticket", ticket.pk), query).content.decode()


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


# --- query counts


def test_query_count_does_not_depend_on_the_number_of_messages(as_bob, ticket, bob):
    path = url("ticket", ticket.pk)
    for n in range(3):
        tickets_services.reply(ticket=ticket, by=bob, body=f"No. {n}", files=[text_file()])
    queries_of(as_bob, path)  # what is stored for the next time
    query_count = queries_of(as_bob, path)
    for n in range(200):
        Message.objects.create(ticket=ticket, author=bob, author_name="Bob", body=f"No. {n}")
    assert queries_of(as_bob, path) == query_count <= MAX_QUERIES_OF_AGENTS


def test_page_of_a_customer_takes_few_queries(as_alice, ticket):
    queries_of(as_alice, url("ticket", ticket.pk))
    assert queries_of(as_alice, url("ticket", ticket.pk)) <= MAX_QUERIES_OF_CUSTOMERS


def test_creating_a_ticket_takes_few_queries_with_many_agents(as_bob, alice, ticket):
    for n in range(20):
        accounts_services.add_user(
            email=f"a{n}@x.org", first_name="A", role=Role.AGENT, password=None
        )
    form = {"subject": "No paper", "description": "Tray 2 is empty.", "priority": "2"}
    form["channel"] = "phone"
    form["customer_email"] = ticket.customer.email
    with CaptureQueriesContext(connection) as queries:
        response = as_bob.post(reverse("create-ticket"), form)
    assert response.status_code == 302
    assert len(queries) <= MAX_QUERIES_OF_OPENING


def test_poll_without_changes_takes_two_queries(as_bob, ticket, django_assert_max_num_queries):
    path = url("conversation", ticket.pk) + f"?since={cache.generation(cache.TICKETS)}"
    as_bob.get(path)  # the desk's language is known from now on
    with django_assert_max_num_queries(2):  # session and person
        assert as_bob.get(path).status_code == 204


def test_poll_after_a_change_of_another_ticket_takes_four_queries(
    as_bob, ticket, django_assert_max_num_queries
):
    path = url("conversation", ticket.pk) + f"?since=1&seen={ticket.events.last().pk}"
    as_bob.get(path)
    with django_assert_max_num_queries(4):
        assert as_bob.get(path).status_code == 204


def test_long_conversation_shows_the_last_messages_and_a_link_to_all(as_bob, ticket, bob):
    for n in range(40):
        Message.objects.create(ticket=ticket, author=bob, author_name="Bob", body=f"No. {n}.")
    page = page_of(as_bob, ticket)
    assert "No. 39." in page
    assert "No. 3." not in page
    assert "Show 20 earlier messages" in page
    assert "No. 3." in page_of(as_bob, ticket, all=1)


# --- what is not for customers


def test_customer_sees_nothing_internal(as_alice, ticket, bob):
    tickets_services.add_note(ticket=ticket, by=bob, body="old driver")
    tickets_services.set_tags(ticket=ticket, names=["vip"], by=bob)
    macros_services.add_macro(by=bob, name="Close it", actions={"status": "solved"}, audience="all")
    for path in (url("ticket", ticket.pk), url("conversation", ticket.pk)):
        page = as_alice.get(path).content.decode()
        for word in ("old driver", "vip", "Close it", "History", "Assignee"):
            assert word not in page, word


def test_custom_field_is_shown_to_the_customer_only_if_it_is_theirs(as_alice, ticket, bob):
    CustomField.objects.create(key="room", label="Room", is_for_customers=True)
    CustomField.objects.create(key="cost", label="Cost centre")
    tickets_services.set_fields(ticket=ticket, values={"room": "3.14", "cost": "0815"}, by=bob)
    page = page_of(as_alice, ticket)
    assert "3.14" in page
    assert "0815" not in page


# --- properties


def test_saved_tags_and_fields_return_their_part_of_the_page(as_bob, ticket):
    CustomField.objects.create(key="room", label="Room")
    response = as_bob.post(
        url("ticket-tags", ticket.pk), {"tags": "a, b"}, headers={"hx-request": "true"}
    )
    assert response["HX-Trigger"] == "ticket-changed"
    assert 'value="a, b"' in response.content.decode()
    page = page_of(as_bob, ticket)
    name = next(part for part in page.split('"') if part.endswith("room") and "id_" not in part)
    as_bob.post(url("ticket-fields", ticket.pk), {name: "3.14"})
    ticket.refresh_from_db()
    assert ticket.fields == {"room": "3.14"}


def test_refused_property_returns_422_with_the_reason(as_bob, ticket):
    form = {"status": "hold", "priority": 2, "category": "", "team": "", "assignee": ""}
    response = as_bob.post(url("update-ticket", ticket.pk), form, headers={"hx-request": "true"})
    assert response.status_code == 422
    assert "Enter the date until which" in response.content.decode()


def test_agent_takes_a_ticket(as_bob, ticket, bob):
    as_bob.post(url("take-ticket", ticket.pk))
    ticket.refresh_from_db()
    assert ticket.assignee == bob


# --- replies


def test_new_reply_of_a_colleague_is_shown_before_sending(as_bob, ticket, mei):
    seen = tickets_services.reply(ticket=ticket, by=mei, body="First").pk
    tickets_services.reply(ticket=ticket, by=mei, body="**Second**")
    form = {"body": "My tickets", "kind": "reply", "seen_message": seen}
    response = as_bob.post(url("reply", ticket.pk), form)
    page = response.content.decode()
    assert response.status_code == 400
    assert [message.body for message in response.context["reply"].new_replies] == ["**Second**"]
    assert "Send anyway" in page
    assert ">\nMy tickets</textarea>" in page
    newest = response.context["reply"].form["seen_message"].value()
    assert as_bob.post(url("reply", ticket.pk), form | {"seen_message": newest}).status_code == 302


def test_article_linked_in_a_reply_is_recorded(as_bob, ticket, bob):
    article = knowledge_services.write_article(by=bob, title="A", content="b", status="published")
    body = f"See [A](/articles/{article.pk}/)."
    as_bob.post(url("reply", ticket.pk), {"body": body, "kind": "reply"})
    assert ticket.events.get(kind="replied").data["articles"] == [article.pk]


def test_draft_is_restored_unless_it_was_sent(as_bob, ticket, bob):
    tickets_services.save_draft(ticket=ticket, by=bob, kind="note", body="Half a")
    assert "Draft restored from" in page_of(as_bob, ticket)
    page = page_of(as_bob, ticket)
    restored_at = tickets_queries.find_draft(bob, ticket).updated_at.isoformat()
    hidden = f'name="restored_at" value="{restored_at}"'
    assert page.count(hidden) == 2  # to send and to discard
    form = {"kind": "note", "body": "Half a note, finished.", "restored_at": restored_at}
    as_bob.post(url("reply", ticket.pk), form)
    assert "Draft restored from" not in page_of(as_bob, ticket)


def test_page_changes_and_removes_the_draft_that_it_restored(as_bob, ticket, bob):
    tickets_services.save_draft(ticket=ticket, by=bob, kind="note", body="Half a")
    restored_at = tickets_queries.find_draft(bob, ticket).updated_at.isoformat()
    page = {"kind": "note", "draft_key": uuid.uuid4(), "restored_at": restored_at}
    as_bob.post(url("draft", ticket.pk), page | {"body": "Half a note"})
    assert Draft.objects.get().body == "Half a note"
    as_bob.post(url("draft", ticket.pk), page | {"body": ""})
    assert not Draft.objects.exists()


def test_damaged_time_of_a_draft_stops_no_reply(as_bob, ticket):
    form = {"kind": "reply", "body": "Is it plugged in?", "restored_at": "yesterday"}
    assert as_bob.post(url("draft", ticket.pk), form).status_code == 204
    assert as_bob.post(url("reply", ticket.pk), form).status_code == 302


def test_refused_reply_keeps_the_key_of_its_draft(as_bob, ticket):
    key = uuid.uuid4()
    form = {"kind": "reply", "body": " ", "draft_key": key}
    response = as_bob.post(url("reply", ticket.pk), form)
    assert f'name="draft_key" value="{key}"' in response.content.decode()


def test_discarding_removes_the_draft_that_was_shown(as_bob, ticket, bob):
    keys = [uuid.uuid4(), uuid.uuid4()]
    for key in keys:
        form = {"kind": "reply", "body": f"Text {key}", "draft_key": key}
        as_bob.post(url("draft", ticket.pk), form)
    as_bob.post(url("discard-draft", ticket.pk), {"draft_key": keys[1]})
    assert [draft.key for draft in Draft.objects.all()] == [keys[0]]


def test_draft_is_not_shown_to_others(as_alice, ticket, bob):
    tickets_services.save_draft(ticket=ticket, by=bob, kind="reply", body="Half a")
    assert "Half a" not in page_of(as_alice, ticket)


def test_preview_is_as_safe_as_the_message(as_bob):
    response = as_bob.post(url("preview"), {"text": "**b** <script>x</script>"})
    assert response.content.decode() == (
        '<p dir="auto"><strong>b</strong> &lt;script&gt;x&lt;/script&gt;</p>\n'
    )


def test_preview_of_a_customer_is_their_text_as_typed(as_alice):
    response = as_alice.post(url("preview"), {"text": "**b** <i>"})
    assert response.content.decode() == "**b** &lt;i&gt;"


def test_canned_response_is_rendered_for_the_ticket(as_bob, ticket, bob):
    canned_response = macros_services.add_canned_response(
        by=bob, name="Hi", body="Hello {customer_first_name}"
    )
    response = as_bob.post(url("insert-canned-response", ticket.pk, canned_response.pk))
    assert response.json() == {"text": "Hello Alice"}
    items = as_bob.get(url("find-canned-responses", ticket.pk), {"q": "hi"}).json()["items"]
    assert [item["label"] for item in items] == ["Hi"]


@pytest.fixture
def greeting_macro(bob) -> Macro:
    """A macro that greets the customer and takes a note."""
    canned_response = macros_services.add_canned_response(
        by=bob, name="Hi", body="Hello **{customer_first_name}**"
    )
    actions = {"canned_response": canned_response.pk, "note": "Greeted {customer_first_name}."}
    return macros_services.add_macro(by=bob, name="Greet", actions=actions)


def test_macro_shows_what_it_will_send_before_it_sends(as_bob, ticket, greeting_macro):
    for headers in ({}, {"HX-Request": "true"}):
        response = as_bob.get(url("run-macro", ticket.pk, greeting_macro.pk), headers=headers)
        page = response.content.decode()
        assert "Hello <strong>Alice</strong>" in page and "Greeted Alice." in page
        assert "Send and apply" in page
        assert ("<html" in page) is (not headers)
    assert not Message.objects.exists()


def test_menu_asks_before_a_macro_that_sends_a_reply_only(as_bob, ticket, bob, greeting_macro):
    solve = macros_services.add_macro(by=bob, name="Solve", actions={"status": "solved"})
    page = page_of(as_bob, ticket)
    assert f'hx-get="{url("run-macro", ticket.pk, greeting_macro.pk)}"' in page
    assert f'formaction="{url("run-macro", ticket.pk, solve.pk)}"' in page
    assert f'formaction="{url("run-macro", ticket.pk, greeting_macro.pk)}"' not in page


def test_preview_of_a_macro_that_cannot_run_says_why(as_bob, ticket, greeting_macro, categories):
    actions = greeting_macro.actions | {"category": 987654}
    Macro.objects.update(actions=actions)
    page = as_bob.get(url("run-macro", ticket.pk, greeting_macro.pk)).content.decode()
    assert "no longer exists" in page and "Send and apply" not in page


def test_macro_and_bulk_change_keep_the_draft(as_bob, ticket, bob, greeting_macro):
    tickets_services.save_draft(ticket=ticket, by=bob, kind="reply", body="Half a reply")
    as_bob.post(url("run-macro", ticket.pk, greeting_macro.pk), {"seen_message": 0})
    tickets_services.start_bulk_change(
        by=bob, tickets=[ticket.pk], changes={"macro": greeting_macro.pk}
    )
    assert Message.objects.count() == 4
    assert tickets_queries.find_draft(bob, ticket).body == "Half a reply"


def test_macro_that_fails_shows_the_reason_and_changes_nothing(as_bob, ticket, bob):
    canned_response = macros_services.add_canned_response(by=bob, name="Hi", body="Hello")
    macro = macros_services.add_macro(
        by=bob, name="M", actions={"canned_response": canned_response.pk, "priority": 4}
    )
    tickets_services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    form = {"idempotency_key": uuid.uuid4()}
    response = as_bob.post(url("run-macro", ticket.pk, macro.pk), form)
    assert response.status_code == 400
    assert "is closed" in response.content.decode()
    ticket.refresh_from_db()
    assert ticket.priority == 2


def test_rating_takes_one_click_and_a_comment_later(as_alice, ticket, bob):
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    as_alice.post(url("rate-ticket", ticket.pk), {"is_good": "yes"})
    as_alice.post(url("rate-ticket", ticket.pk), {"is_good": "no", "comment": "Came back."})
    ticket.refresh_from_db()
    assert (ticket.rating.is_good, ticket.rating.comment) == (False, "Came back.")


# --- links, merges


def test_links_are_added_shown_and_removed(as_bob, ticket, second):
    as_bob.post(url("link-ticket", ticket.pk), {"target": second.number, "kind": "duplicate"})
    page = page_of(as_bob, ticket)
    assert "is a duplicate of" in page
    assert "Second" in page
    as_bob.post(url("unlink-ticket", ticket.pk, TicketLink.objects.get().pk))
    assert not TicketLink.objects.exists()


def test_link_cannot_be_removed_through_another_ticket(as_bob, ticket, second, bob):
    link = tickets_services.link_tickets(source=ticket, target=second, kind="related", by=bob)
    third = tickets_services.create_ticket(
        customer=ticket.customer, subject="3", description="3", by=ticket.customer.user
    )
    assert as_bob.post(url("unlink-ticket", third.pk, link.pk)).status_code == 404


def test_merge_shows_a_preview(as_bob, ticket, second):
    page = as_bob.get(url("merge-ticket", second.pk), {"target": ticket.number}).content.decode()
    assert f"Merge into {ticket.number}" in page
    second.refresh_from_db()
    assert second.merged_into is None


def unmergeable(ticket, second, dan, reason: str) -> Ticket:
    """Make ``second`` a ticket that ``ticket`` cannot be merged into, and return it."""
    if reason == "belong to different customers":
        pia = accounts_services.add_customer(email="pia@example.org", first_name="Pia")
        return tickets_services.create_ticket(
            customer=pia, subject="Other", description="…", by=None
        )
    if reason == "belongs to a guest":
        Ticket.objects.filter(pk=ticket.pk).update(guest_token_sha256="0" * 64)
    if reason == "is closed":
        tickets_services.set_status(ticket=second, status="closed", by=dan)
    if "merged" in reason:
        third = tickets_services.create_ticket(
            customer=ticket.customer, subject="3", description="3", by=dan
        )
        source = second if "itself" in reason else ticket
        tickets_services.merge_tickets(source=source, target=third, by=dan)
    return ticket if "into itself" in reason else second


@pytest.mark.parametrize(
    "reason",
    [
        "belong to different customers",
        "belongs to a guest",
        "is closed",
        "is already merged into another ticket",
        "is itself merged into",
        "cannot be merged into itself",
    ],
)
def test_merge_preview_says_why_it_is_refused_and_offers_a_link(
    as_bob, ticket, second, dan, reason
):
    target = unmergeable(ticket, second, dan, reason)
    path, data = url("merge-ticket", ticket.pk), {"target": target.number}
    preview, refusal = as_bob.get(path, data), as_bob.post(path, data)
    for page in (preview.content.decode(), refusal.content.decode()):
        assert reason in page and "After the merge" not in page
        assert ("instead" in page) == (target != ticket)
    assert (preview.status_code, refusal.status_code) == (200, 400)


def test_link_offered_instead_of_a_merge_is_made(as_bob, ticket, second, dan):
    tickets_services.set_status(ticket=second, status="closed", by=dan)
    page = as_bob.get(url("merge-ticket", ticket.pk), {"target": second.number})
    form = BeautifulSoup(page.content, "html.parser").select_one("form.panel")
    data = {field["name"]: field["value"] for field in form.select("input")}
    as_bob.post(form["action"], data)
    link = TicketLink.objects.get()
    assert (link.source, link.target, link.kind) == (ticket, second, "related")


def test_merge_needs_the_right(as_bob, ticket):
    SiteSettings.objects.create(pk=1, agent_rights=[])
    response = as_bob.get(url("merge-ticket", ticket.pk))
    assert response.status_code == 403
    assert "Ask an administrator" in response.content.decode()
    assert "Merge …" not in page_of(as_bob, ticket)


def test_ticket_completion_finds_number_and_subject_but_not_itself(as_bob, ticket, second):
    find = url("find-tickets", ticket.pk)
    for typed in ("second", second.number, str(second.pk)):
        items = as_bob.get(find, {"q": typed}).json()["items"]
        assert [item["text"] for item in items] == [second.number], typed
    assert as_bob.get(find, {"q": ticket.number}).json() == {"items": []}


# --- a new ticket


def test_new_ticket_can_have_a_file(as_alice):
    form_data = {"subject": "s", "description": "d", "files": text_file()}
    as_alice.post(url("create-ticket"), form_data)
    assert "where.txt" in page_of(as_alice, Ticket.objects.get())


def test_customer_completion_finds_the_name(as_bob, alice, carol):
    items = as_bob.get(url("find-customers"), {"q": "alice te"}).json()["items"]
    assert [item["text"] for item in items] == ["alice@example.org"]
    assert as_bob.get(url("find-customers"), {"q": "a"}).json() == {"items": []}


def text_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("where.txt", b"under the tray", "text/plain")


@pytest.mark.parametrize(
    ("language", "text"), [("en", "2 Nov, 23:04:05"), ("de", "2. Nov., 23:04:05")]
)
def test_activity_shows_seconds(ticket, bob, language, text):
    tickets_services.set_priority(ticket=ticket, priority=Priority.HIGH, by=bob)
    event = ticket.events.last()
    event.at = datetime(2026, 11, 2, 23, 4, 5, tzinfo=UTC)
    with timezone.override(UTC), translation.override(language):
        assert f">{text}</time>" in activity([event])


def test_date_of_a_field_is_written_in_the_language_of_the_reader(ticket, bob):
    CustomField.objects.create(key="delivered", label="Delivered", kind=CustomField.Kind.DATE)
    with translation.override("de"):
        tickets_services.set_fields(ticket=ticket, values={"delivered": "2026-10-03"}, by=bob)
    event = ticket.events.last()
    assert describe_event(event) == "set “Delivered” to 3 Oct 2026"
    with translation.override("de"):
        assert "3. Okt. 2026" in describe_event(event)
