"""What holds for every page: nothing from elsewhere, the headers, no fault on bad input."""

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
ODD = [NUL, LONG, DIGITS, "-1", "1e999", "NaN", "\ud800".encode("utf-8", "replace").decode(), "١٢"]


@pytest.fixture
def articles(bob) -> list[Article]:
    texts = {"Out": "published", "Not yet": "draft"}
    return [
        knowledge_services.write_article(by=bob, title=title, content="## A\n\n`b`", status=status)
        for title, status in texts.items()
    ]


@pytest.fixture
def as_dan(client, dan) -> Client:
    client.force_login(dan)
    return client


def every_page(ticket: Ticket, articles: list[Article]) -> list[str]:
    """A path of every kind of page an admin can look at."""
    names = ["dashboard", "live", "create-ticket", "articles", "write-article", "search", "status"]
    names += ["notifications", "bell", "notice-preferences", "outbox", "tags", "reports"]
    names += ["profile", "profile-password", "ask", "views", "add-view"]
    names += ["help", "import-articles", "status-tables", "status-queries"]
    about = {
        **dict.fromkeys(
            ["ticket", "conversation", "evidence", "ticket-timer", "mentionable"], ticket.pk
        ),
        **dict.fromkeys(
            ["merge-ticket", "find-tickets", "find-articles", "find-canned-responses"], ticket.pk
        ),
        **dict.fromkeys(["article", "edit-article", "article-history"], articles[0].pk),
        "article-versions": articles[0].pk,
    }
    paths = [reverse(name) for name in names]
    paths += [reverse(name, args=[pk]) for name, pk in about.items()]
    message = tickets_services.reply(ticket=ticket, by=None, body="x").pk
    paths += [reverse("split-ticket", args=[ticket.pk, message]), reverse("find-customers")]
    paths += managed()
    return [*paths, "/search/?q=printer", "/?status=any&sort=due", "/nothing/", "/admin/"]


def managed() -> list[str]:
    """The pages where a desk is set up, with one of everything on them."""
    rows = create_sample_objects(User.objects.get(role="admin"))
    paths = [reverse(name) for name in ("manage", "desk-rules", "models", "change-log")]
    for section in SECTIONS:
        paths += [reverse(section.slug), reverse(f"add-{section.object_slug}")]
        paths += [reverse(f"edit-{section.object_slug}", args=[rows[section.object_slug].pk])]
    return paths


# --- nothing from elsewhere


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
def test_the_search_for_foreign_addresses_finds_them(text):
    assert len(find_foreign_urls(text)) == 1


def test_no_page_names_anything_from_elsewhere(as_dan, ticket, articles):
    for path in every_page(ticket, articles):
        assert find_foreign_urls(as_dan.get(path).content.decode()) == [], path


def test_no_page_for_strangers_names_anything_from_elsewhere(client, db):
    setup = reverse("setup", args=[accounts_services.create_setup_link()])
    for path in (setup, "/login/", "/register/", "/ask/", "/nothing/", "/admin/login/"):
        assert find_foreign_urls(client.get(path).content.decode()) == [], path


def test_no_stylesheet_or_script_loads_anything_from_elsewhere():
    read = 0
    for finder in finders.get_finders():
        for path, storage in finder.list(UNUSED):
            if path.endswith((".css", ".js", ".svg", ".html")):
                with storage.open(path) as file:
                    text = file.read().decode()
                assert find_foreign_urls(text) == [], path
                read += 1
    assert read > 20


# --- headers


def test_every_answer_tells_the_browser_what_it_may_do(as_dan, ticket, articles):
    for path in [*every_page(ticket, articles), "/login/", "/healthz", "/admin/login/"]:
        headers = as_dan.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy, path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "same-origin", path


def test_pages_of_a_person_are_kept_by_no_cache_on_the_way(as_dan, ticket):
    answer = as_dan.get(reverse("ticket", args=[ticket.pk]))
    assert "Cookie" in answer["Vary"]
    assert answer.cookies.get("csrftoken") is None or answer.cookies["csrftoken"]["samesite"]


def test_session_cookie_is_out_of_reach_of_scripts(client, alice):
    client.post("/login/", {"username": alice.email, "password": PASSWORD})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_foreign_host_name_is_refused(client, db):
    assert client.get("/login/", headers={"host": "evil.example"}).status_code == 400


def test_log_in_leads_nowhere_else(client, alice):
    sent = {"username": alice.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/login/", sent).url == reverse("dashboard")


# --- bad input: the client raises what the desk would answer with 500


@pytest.mark.parametrize("odd", ODD)
def test_odd_words_in_an_address_break_nothing(as_dan, ticket, articles, odd):
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
    for path in every_page(ticket, articles):
        assert as_dan.get(path.split("?")[0], dict.fromkeys(names, odd)).status_code < 500, path
    for name in names:
        for path in ("/", "/live/", "/articles/", "/search/"):
            assert as_dan.get(path, {"q": "printer", name: odd}).status_code < 500, (path, name)


@pytest.mark.parametrize("odd", ODD)
def test_odd_words_in_a_form_break_nothing(as_dan, ticket, articles, odd):
    forms = {
        "create-ticket": "subject description priority customer_email customer_name "
        "idempotency_key",
        "suggest": "subject description",
        "write-article": "title content category status seen_at audience owner review_on note drop",
        "import-articles": "file pending",
        "login": "username password next",
        "register": "first_name last_name email claimed_organisation password password_again",
    }
    paths = {reverse(name): fields.split() for name, fields in forms.items()}
    of_ticket = {
        "reply": "body kind leave idempotency_key seen_message files",
        "draft": "body kind",
        "presence": "is_writing",
        "ticket-tags": "tags",
        "ticket-fields": "field_x",
        "link-ticket": "target kind",
        "merge-ticket": "target",
        "rate-ticket": "is_good comment",
    }
    paths |= {reverse(name, args=[ticket.pk]): fields.split() for name, fields in of_ticket.items()}
    update = ["status", "resume_at", "priority", "category", "team", "assignee"]
    paths[reverse("update-ticket", args=[ticket.pk])] = [*update, *(f"initial-{n}" for n in update)]
    paths[reverse("edit-article", args=[articles[0].pk])] = forms["write-article"].split()
    of_article = {
        "move-article": "verb",
        "restore-article": "number",
        "vote-article": "is_helpful comment",
    }
    paths |= {reverse(name, args=[articles[0].pk]): f.split() for name, f in of_article.items()}
    for path, fields in paths.items():
        stranger = Client() if path in ("/login/", "/register/") else as_dan
        assert stranger.post(path, dict.fromkeys(fields, odd)).status_code < 500, path
        for field in fields:
            assert stranger.post(path, sound(path) | {field: odd}).status_code < 500, (path, field)


@pytest.mark.parametrize("odd", ODD)
def test_odd_words_on_the_set_up_page_break_nothing(client, db, odd):
    link = reverse("setup", args=[accounts_services.create_setup_link()])
    fields = ["desk_name", "first_name", "last_name", "email", "password", "demo", "categories"]
    for field in fields:
        assert client.post(link, sound("/setup/") | {field: odd}).status_code in (302, 400, 404)


@pytest.mark.parametrize(
    "place", ["tickets/{}/", "articles/{}/", "attachments/{}/", "tickets/{}/conversation/"]
)
@pytest.mark.parametrize("number", ["0", "9" * 19, "9" * 400, "9" * 5_000, "%00", "%FF", "%F0%9F"])
def test_odd_numbers_in_a_path_do_not_exist(as_dan, place, number):
    assert as_dan.get("/" + place.format(number)).status_code == 404


@pytest.mark.parametrize("path", ["/%FF%FE", "/%00", "/setup/%FF%00/", "/search/%ED%A0%80", "/\\"])
def test_odd_paths_do_not_exist(as_dan, path):
    assert as_dan.get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["q=%FF%FE", "q=%00", "q=%ED%A0%80", "before=%FF", "page=%C3%28", "&=&", "%"]
)
def test_addresses_that_are_not_utf8_break_nothing(as_dan, query):
    for path in ("/", "/live/", "/search/", "/articles/", "/login/"):
        assert as_dan.get(path, QUERY_STRING=query).status_code < 500, path


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
def test_bad_cursor_shows_a_page(as_dan, ticket, cursor):
    assert as_dan.get("/", {"before": cursor}).status_code == 200


def test_damaged_forms_are_refused(as_dan):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "a\tb/c"):
        for body in (b"--x\r\nContent-Disposition: form-data; name=\xff\r\n\r\n", b"\0\xff", b""):
            answer = as_dan.generic("POST", "/create-ticket/", body, content_type=kind)
            assert answer.status_code in (200, 400), kind


def test_form_of_a_thousand_fields_is_refused(as_dan):
    assert as_dan.post("/create-ticket/", {f"f{n}": "" for n in range(1000)}).status_code == 400


def test_failed_log_in_with_odd_surroundings_is_only_a_failed_log_in(client, alice):
    sent = {"username": alice.email, "password": "wrong", "next": NUL, NUL: NUL, "more": LONG}
    headers = {"user-agent": LONG, "accept": LONG, "x-forwarded-for": "\0, not-an-address"}
    answer = client.post(f"/login/?next={LONG}&x=%00%FF", sent, headers=headers)
    assert answer.status_code == 200


def sound(path: str) -> dict:
    """A form that would be taken, to spoil one field of it at a time."""
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
        "username": "a@example.org",
        "password": "p",
        "first_name": "A",
        "email": "a@example.org",
    }


# --- the same thing sent at once


def at_once(person: User | None, path: str, forms: list[dict]) -> list[int]:
    """The status of each form, all sent in the same moment."""
    together = Barrier(len(forms))

    def send(form: dict) -> int:
        client = Client()
        if person:
            client.force_login(person)
        together.wait(timeout=30)
        try:
            return client.post(path, form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(forms)) as pool:
        statuses = list(pool.map(send, forms))
    wait_for_background_threads()
    return statuses


@pytest.mark.django_db(transaction=True)
def test_ten_times_the_same_ticket_at_once_is_one_ticket(alice):
    form = {"subject": "Smoke", "description": "…", "idempotency_key": str(uuid.uuid4())}
    assert at_once(alice, reverse("create-ticket"), [form] * 10) == [302] * 10
    assert Ticket.objects.count() == Event.objects.filter(kind="opened").count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_times_the_same_answer_at_once_is_one_message(ticket, alice):
    form = {"body": "Any news?", "idempotency_key": str(uuid.uuid4())}
    assert at_once(alice, reverse("reply", args=[ticket.pk]), [form] * 10) == [302] * 10
    assert Message.objects.count() == Event.objects.filter(kind="replied").count() == 1


@pytest.mark.django_db(transaction=True)
def test_set_up_link_used_four_times_at_once_makes_one_admin():
    link = reverse("setup", args=[accounts_services.create_setup_link()])
    forms = [
        sound("/setup/") | {"email": f"dan{n}@example.org", "password_again": PASSWORD}
        for n in range(4)
    ]
    assert sorted(at_once(None, link, forms)) == [302, 404, 404, 404]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_address_registered_four_times_at_once_is_one_customer():
    form = {"first_name": "Pia", "email": "pia@example.org", "password": PASSWORD}
    forms = [form | {"password_again": PASSWORD} for _ in range(4)]
    assert sorted(at_once(None, reverse("register"), forms)) == [302, 400, 400, 400]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_unknown_caller_named_by_two_agents_at_once_is_one_customer(bob):
    caller = {"customer_email": "pia@example.org", "customer_name": "Pia", "priority": 2}
    form = {"subject": "s", "description": "d"} | caller
    assert at_once(bob, reverse("create-ticket"), [form] * 4) == [302] * 4
    assert Ticket.objects.values("customer").distinct().count() == 1


@pytest.mark.django_db(transaction=True)
def test_agent_who_asks_four_things_at_once_is_one_customer(bob):
    form = {"subject": "s", "description": "d", "priority": 2}
    assert at_once(bob, reverse("create-ticket"), [form] * 4) == [302] * 4
    assert Ticket.objects.values("customer").distinct().count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_agents_who_change_one_ticket_at_once_both_leave_their_mark(ticket, bob):
    before = {"status": "new", "priority": 2, "category": "", "assignee": ""}
    page = before | {f"initial-{name}": value for name, value in before.items()}
    forms = [page | {"status": "open"}, page | {"priority": 4}]
    assert at_once(bob, reverse("update-ticket", args=[ticket.pk]), forms) == [302, 302]
    ticket.refresh_from_db()
    assert (ticket.status, ticket.priority) == ("open", 4)


def test_same_ticket_of_two_customers_is_refused_to_the_second(alice, carol):
    key = uuid.uuid4()
    tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, idempotency_key=key
    )
    client = Client()
    client.force_login(carol)
    form = {"subject": "s", "description": "d", "idempotency_key": str(key)}
    assert client.post(reverse("create-ticket"), form).status_code == 400
