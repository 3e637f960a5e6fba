"""Rules for every page: no foreign URLs, security headers, no server error on bad input."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.manage.sections import SECTIONS
from appliance.ops.static_files import UNUSED
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Message, Ticket
from conftest import PASSWORD
from tests.conftest import wait_for_background_threads
from tests.foreign_urls import find_foreign_urls
from tests.sample_objects import create_sample_objects

pytestmark = pytest.mark.usefixtures("no_egress")

NUL, LONG, DIGITS = "a\0b", "x" * 10_000, "9" * 5_000
UNUSUAL_TEXTS = [
    NUL,
    LONG,
    DIGITS,
    "-1",
    "1e999",
    "NaN",
    "\ud800".encode("utf-8", "replace").decode(),
    "١٢",
]


@pytest.fixture
def articles(bob) -> list[Article]:
    texts = {"Out": "published", "Not yet": "draft"}
    return [
        knowledge_services.write_article(by=bob, title=title, content="## A\n\n`b`", status=status)
        for title, status in texts.items()
    ]


def list_page_paths(ticket: Ticket, articles: list[Article]) -> list[str]:
    """Return a path of every kind of page that an admin can open."""
    names = ["dashboard", "live", "create-ticket", "articles", "write-article", "search", "status"]
    names += ["notifications", "notification-badge", "notification-settings", "outbox"]
    names += ["find-tags", "reports"]
    names += ["profile", "profile-password", "ask", "views", "add-view"]
    names += ["help", "import-articles", "status-tables", "status-queries"]
    arguments = {
        **dict.fromkeys(
            ["ticket", "conversation", "ticket-analysis", "ticket-timer", "mentionable"], ticket.pk
        ),
        **dict.fromkeys(
            ["merge-ticket", "find-tickets", "find-articles", "find-canned-responses"], ticket.pk
        ),
        **dict.fromkeys(["article", "edit-article", "article-history"], articles[0].pk),
        "article-versions": articles[0].pk,
    }
    paths = [reverse(name) for name in names]
    paths += [reverse(name, args=[pk]) for name, pk in arguments.items()]
    message = tickets_services.reply(ticket=ticket, by=None, body="x").pk
    paths += [reverse("split-ticket", args=[ticket.pk, message]), reverse("find-customers")]
    paths += list_admin_paths()
    return [*paths, "/search/?q=printer", "/?status=any&sort=due", "/nothing/", "/admin/"]


def list_admin_paths() -> list[str]:
    """Return the paths below /manage/, for one object of every kind."""
    objects = create_sample_objects(User.objects.get(role="admin"))
    paths = [reverse(name) for name in ("manage", "site-settings", "models", "audit-log")]
    for section in SECTIONS:
        paths += [reverse(section.slug), reverse(f"add-{section.object_slug}")]
        paths += [reverse(f"edit-{section.object_slug}", args=[objects[section.object_slug].pk])]
    return paths


# --- no foreign URLs


@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://cdn.example/x.png">',
        "<link href=//cdn.example/x.css>",
        "a { background: url(https://cdn.example/x.png) }",
        '@import "https://cdn.example/x.css";',
        'fetch("https://cdn.example/x")',
        '<meta http-equiv="refresh" content="0; url=https://cdn.example">',
    ],
)
def test_foreign_urls_are_detected(text):
    assert len(find_foreign_urls(text)) == 1


def test_pages_load_nothing_from_other_machines(dan_client, ticket, articles):
    for path in list_page_paths(ticket, articles):
        assert find_foreign_urls(dan_client.get(path).content.decode()) == [], path


def test_public_pages_load_nothing_from_other_machines(client, db):
    setup = reverse("setup", args=[accounts_services.create_setup_link()])
    for path in (setup, "/login/", "/register/", "/ask/", "/nothing/", "/admin/login/"):
        assert find_foreign_urls(client.get(path).content.decode()) == [], path


def test_static_files_load_nothing_from_other_machines():
    checked = 0
    for finder in finders.get_finders():
        for path, storage in finder.list(UNUSED):
            if path.endswith((".css", ".js", ".svg", ".html")):
                with storage.open(path) as file:
                    text = file.read().decode()
                assert find_foreign_urls(text) == [], path
                checked += 1
    assert checked > 20


# --- headers


def test_every_response_has_security_headers(dan_client, ticket, articles):
    for path in [*list_page_paths(ticket, articles), "/login/", "/healthz", "/admin/login/"]:
        headers = dan_client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy, path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "same-origin", path


def test_personal_pages_vary_by_cookie(dan_client, ticket):
    response = dan_client.get(reverse("ticket", args=[ticket.pk]))
    assert "Cookie" in response["Vary"]
    assert response.cookies.get("csrftoken") is None or response.cookies["csrftoken"]["samesite"]


def test_session_cookie_is_http_only_and_same_site(client, alice):
    client.post("/login/", {"login": alice.email, "password": PASSWORD})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_unknown_host_name_is_refused(client, db):
    assert client.get("/login/", headers={"host": "evil.example"}).status_code == 400


def test_log_in_redirects_to_own_pages_only(client, alice):
    form = {"login": alice.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/login/", form).url == reverse("dashboard")


# --- bad input: the test client raises what the server would answer with 500


@pytest.mark.parametrize("text", UNUSUAL_TEXTS)
def test_unusual_query_values_cause_no_server_error(dan_client, ticket, articles, text):
    names = [
        "q",
        "kind",
        "page",
        "status",
        "priority",
        "category",
        "sentiment",
        "assignee",
        "before",
    ]
    names += ["since", "seen", "next", "view", "sort", "team", "tag", "customer", "organisation"]
    names += ["due", "premium", "after", "bulk"]
    for path in list_page_paths(ticket, articles):
        assert dan_client.get(path.split("?")[0], dict.fromkeys(names, text)).status_code < 500, (
            path
        )
    for name in names:
        for path in ("/", "/live/", "/articles/", "/search/"):
            assert dan_client.get(path, {"q": "printer", name: text}).status_code < 500, (
                path,
                name,
            )


@pytest.mark.parametrize("text", UNUSUAL_TEXTS)
def test_unusual_form_values_cause_no_server_error(dan_client, ticket, articles, text):
    forms = {
        "create-ticket": "subject description priority customer_email customer_name "
        "channel idempotency_key",
        "suggest": "subject description",
        "write-article": "title content category status seen_at audience owner review_on note drop",
        "import-articles": "file pending",
        "account_login": "login password next",
        "register": "first_name last_name email claimed_organisation password password_again",
    }
    paths = {reverse(name): fields.split() for name, fields in forms.items()}
    ticket_forms = {
        "reply": "body kind new_status idempotency_key seen_message files",
        "draft": "body kind",
        "add-to-ticket": "subject description customer_email priority idempotency_key",
        "confirm-category": "category address",
        "presence": "is_writing",
        "ticket-tags": "tags",
        "ticket-fields": "field_x",
        "link-ticket": "target kind",
        "merge-ticket": "target",
        "correct-ticket": "subject customer_email customer_name shown_customer channel",
        "rate-ticket": "is_good comment",
    }
    paths |= {
        reverse(name, args=[ticket.pk]): fields.split() for name, fields in ticket_forms.items()
    }
    update = ["status", "resume_at", "priority", "category", "team", "assignee", "language"]
    paths[reverse("update-ticket", args=[ticket.pk])] = [*update, *(f"initial-{n}" for n in update)]
    paths[reverse("edit-article", args=[articles[0].pk])] = forms["write-article"].split()
    article_forms = {
        "move-article": "verb",
        "restore-article": "number",
        "vote-article": "is_helpful comment",
    }
    paths |= {reverse(name, args=[articles[0].pk]): f.split() for name, f in article_forms.items()}
    for path, fields in paths.items():
        client = Client() if path in ("/login/", "/register/") else dan_client
        assert client.post(path, dict.fromkeys(fields, text)).status_code < 500, path
        for field in fields:
            assert client.post(path, valid_form(path) | {field: text}).status_code < 500, (
                path,
                field,
            )


@pytest.mark.parametrize("text", UNUSUAL_TEXTS)
def test_unusual_values_on_the_set_up_page_cause_no_server_error(client, db, text):
    link = reverse("setup", args=[accounts_services.create_setup_link()])
    fields = ["desk_name", "first_name", "last_name", "email", "password", "demo", "categories"]
    fields.append("languages")
    for field in fields:
        assert client.post(link, valid_form("/setup/") | {field: text}).status_code in (
            302,
            400,
            404,
        )


@pytest.mark.parametrize(
    "place", ["tickets/{}/", "articles/{}/", "attachments/{}/", "tickets/{}/conversation/"]
)
@pytest.mark.parametrize("number", ["0", "9" * 19, "9" * 400, "9" * 5_000, "%00", "%FF", "%F0%9F"])
def test_unusual_numbers_in_a_path_are_not_found(dan_client, place, number):
    assert dan_client.get("/" + place.format(number)).status_code == 404


@pytest.mark.parametrize("path", ["/%FF%FE", "/%00", "/setup/%FF%00/", "/search/%ED%A0%80", "/\\"])
def test_unusual_paths_are_not_found(dan_client, path):
    assert dan_client.get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["q=%FF%FE", "q=%00", "q=%ED%A0%80", "before=%FF", "page=%C3%28", "&=&", "%"]
)
def test_query_strings_that_are_not_utf8_cause_no_server_error(dan_client, query):
    for path in ("/", "/live/", "/search/", "/articles/", "/login/"):
        assert dan_client.get(path, QUERY_STRING=query).status_code < 500, path


@pytest.mark.parametrize(
    "cursor",
    [
        "2026-01-01T00:00:00+00:00_" + "9" * 18,
        "9999-12-31T23:59:59-14:00_1",
        "0001-01-01T00:00:00+14:00_1",
        "2026-01-01T00:00:00_1",
        "_",
        "2026-01-01T00:00:00+00:00_-1",
        "2026-01-01T00:00:00+00:00_\0",
    ],
)
def test_invalid_cursor_shows_a_page(dan_client, ticket, cursor):
    assert dan_client.get("/", {"before": cursor}).status_code == 200


def test_malformed_request_bodies_are_refused(dan_client):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "a\tb/c"):
        for body in (b"--x\r\nContent-Disposition: form-data; name=\xff\r\n\r\n", b"\0\xff", b""):
            response = dan_client.generic("POST", "/create-ticket/", body, content_type=kind)
            assert response.status_code in (200, 400), kind


def test_form_with_a_thousand_fields_is_refused(dan_client):
    assert dan_client.post("/create-ticket/", {f"f{n}": "" for n in range(1000)}).status_code == 400


def test_failed_log_in_with_unusual_headers_shows_the_form(client, alice):
    form = {"login": alice.email, "password": "wrong", "next": NUL, NUL: NUL, "more": LONG}
    headers = {"user-agent": LONG, "accept": LONG, "x-forwarded-for": "\0, not-an-address"}
    response = client.post(f"/login/?next={LONG}&x=%00%FF", form, headers=headers)
    assert response.status_code == 200


def valid_form(path: str) -> dict:
    """Return a valid form, of which a test replaces one field at a time."""
    if path.startswith("/setup/"):
        person = {"first_name": "Dan", "email": "dan@example.org", "demo": "no"}
        return person | {"desk_name": "D", "password": PASSWORD, "password_again": "differs"}
    return {
        "subject": "s",
        "description": "d",
        "priority": 2,
        "body": "b",
        "kind": "reply",
        "title": "t",
        "content": "c",
        "status": "published",
        "login": "a@example.org",
        "password": "p",
        "first_name": "A",
        "email": "a@example.org",
    }


# --- concurrent requests


def post_concurrently(person: User | None, path: str, forms: list[dict]) -> list[int]:
    """Send all forms at the same moment; return the status of each."""
    barrier = Barrier(len(forms))

    def send(form: dict) -> int:
        client = Client()
        if person:
            client.force_login(person)
        barrier.wait(timeout=30)
        try:
            return client.post(path, form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(forms)) as pool:
        statuses = list(pool.map(send, forms))
    wait_for_background_threads()
    return statuses


@pytest.mark.django_db(transaction=True)
def test_concurrent_submissions_of_a_ticket_create_one_ticket(alice):
    form = {"subject": "Smoke", "description": "…", "idempotency_key": str(uuid.uuid4())}
    assert post_concurrently(alice, reverse("create-ticket"), [form] * 10) == [302] * 10
    assert Ticket.objects.count() == Event.objects.filter(kind="opened").count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_submissions_of_a_reply_create_one_message(ticket, alice):
    form = {"body": "Any news?", "idempotency_key": str(uuid.uuid4())}
    assert post_concurrently(alice, reverse("reply", args=[ticket.pk]), [form] * 10) == [302] * 10
    assert Message.objects.count() == Event.objects.filter(kind="replied").count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_uses_of_a_set_up_link_create_one_admin():
    link = reverse("setup", args=[accounts_services.create_setup_link()])
    forms = [
        valid_form("/setup/") | {"email": f"dan{n}@example.org", "password_again": PASSWORD}
        for n in range(4)
    ]
    assert sorted(post_concurrently(None, link, forms)) == [302, 404, 404, 404]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_registrations_of_an_address_create_one_customer():
    form = {"first_name": "Pia", "email": "pia@example.org", "password": PASSWORD}
    forms = [form | {"password_again": PASSWORD} for _ in range(4)]
    assert sorted(post_concurrently(None, reverse("register"), forms)) == [302, 400, 400, 400]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_tickets_for_an_unknown_caller_create_one_customer(bob):
    caller = {"customer_email": "pia@example.org", "customer_name": "Pia", "priority": 2}
    form = {"subject": "s", "description": "d", "channel": "phone"} | caller
    assert post_concurrently(bob, reverse("create-ticket"), [form] * 4) == [302] * 4
    assert Ticket.objects.values("customer").distinct().count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_tickets_of_an_agent_create_one_customer(bob):
    form = {"subject": "s", "description": "d", "priority": 2, "channel": "phone"}
    assert post_concurrently(bob, reverse("create-ticket"), [form] * 4) == [302] * 4
    assert Ticket.objects.values("customer").distinct().count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_changes_of_different_properties_are_both_saved(ticket, bob):
    before = {"status": "new", "priority": 2, "category": "", "assignee": ""}
    form = before | {f"initial-{name}": value for name, value in before.items()}
    forms = [form | {"status": "open"}, form | {"priority": 4}]
    assert post_concurrently(bob, reverse("update-ticket", args=[ticket.pk]), forms) == [302, 302]
    ticket.refresh_from_db()
    assert (ticket.status, ticket.priority) == ("open", 4)


def test_idempotency_key_of_another_customer_is_refused(alice, carol):
    key = uuid.uuid4()
    tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, idempotency_key=key
    )
    client = Client()
    client.force_login(carol)
    form = {"subject": "s", "description": "d", "idempotency_key": str(key)}
    assert client.post(reverse("create-ticket"), form).status_code == 400
