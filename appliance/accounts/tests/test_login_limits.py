"""One log-in with one limit, however its name is written and wherever it is tried."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.accounts.models import LoginAttempt, RateCount
from appliance.accounts.security import RATE_LIMITS, client_address, fold_login_name
from appliance.core.models import AuditEntry
from conftest import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/login/"
WRONG = "not-the-password"


def try_login(username: str, password: str = WRONG, path: str = LOGIN, **headers: str):
    return Client().post(path, {"login": username, "password": password}, **headers)


WAYS_TO_WRITE_ALICE = [
    "alice@example.org",
    "ALICE@example.org",
    "  alice@example.org  ",
    "Alice@Example.ORG\u00a0",
    "\uff41lice@example.org",  # full width
    "alice@example\uff0eorg",
    "al\u200bice@example.org",
    "alice@example.org\u200b",
    "alice@EXAMPLE.org\t",
]


@pytest.mark.parametrize("spelling", WAYS_TO_WRITE_ALICE)
def test_all_spellings_are_one_name(spelling):
    assert fold_login_name(spelling) == "alice@example.org"


@settings(max_examples=50, deadline=None, database=None)
@given(st.text(max_size=300))
def test_folding_twice_changes_nothing(name):
    folded = fold_login_name(name)
    assert fold_login_name(folded) == folded


def test_changing_case_does_not_escape_the_limit(alice):
    for name in ("alice", "ALICE", "  Alice", "aLICE", "alicE"):
        try_login(f"{name}@example.org ")
    assert try_login("aLiCe@example.org", PASSWORD).status_code == 429


def test_header_of_a_proxy_does_not_escape_the_limit(alice):
    for number in range(5):
        try_login(alice.email, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}", HTTP_X_REAL_IP="10.1.1.1")
    assert try_login(alice.email, PASSWORD, HTTP_X_FORWARDED_FOR="10.9.9.9").status_code == 429


def test_address_of_the_same_ipv6_network_does_not_escape_the_limit(alice):
    for number in range(5):
        try_login(alice.email, REMOTE_ADDR=f"2001:db8::{number + 1:x}")
    assert try_login(alice.email, PASSWORD, REMOTE_ADDR="2001:db8::ffff").status_code == 429
    assert try_login(alice.email, PASSWORD, REMOTE_ADDR="2001:db8:1::1").status_code == 302


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_address_is_counted_by_its_network(address, counted):
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=address)) == counted


def test_locked_and_unknown_accounts_look_alike(alice):
    pages = {}
    for name in (alice.email, "nobody@example.org"):
        responses = [try_login(name) for _ in range(6)]
        pages[name] = [(answer.status_code, len(answer.content)) for answer in responses]
    first, second = pages.values()
    assert [status for status, _ in first] == [status for status, _ in second]
    assert first[-1] == second[-1]


def test_many_accounts_tried_from_one_address_are_limited(alice):
    RateCount.objects.create(
        scope="log-in",
        key="127.0.0.1",
        count=RATE_LIMITS["log-in"] - 1,
        started_at=timezone.now(),
    )
    assert try_login("nobody@example.org").status_code == 200
    assert try_login(alice.email, PASSWORD).status_code == 429
    assert try_login(alice.email, PASSWORD, REMOTE_ADDR="10.0.0.2").status_code == 302


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/login/?next=/admin/"])
def test_django_admin_has_no_log_in_of_its_own(dan, path):
    response = try_login(dan.email, PASSWORD, path=path)
    assert response.status_code == 302 and response.url.startswith("/login/?next=/admin/")
    assert "_auth_user_id" not in response.client.session


def test_admin_reaches_the_admin_pages_through_the_log_in_of_the_site(client, dan):
    login = client.get("/admin/", follow=True)
    assert login.redirect_chain[-1][0] == "/login/?next=/admin/"
    data = {"login": dan.email, "password": PASSWORD}
    assert client.post("/login/?next=/admin/", data).url == "/admin/"


def test_agent_is_refused_at_the_admin_pages_without_a_loop(client, bob):
    client.force_login(bob)
    assert client.get("/admin/", follow=True).status_code == 403


def test_password_is_changed_on_the_page_that_records_it(dan_client, dan):
    response = dan_client.get("/admin/password_change/")
    assert response.url == reverse("profile-password")
    form = {"old_password": PASSWORD, "new_password1": "x" * 20, "new_password2": "x" * 20}
    dan_client.post("/admin/password_change/", form)
    dan.refresh_from_db()
    assert dan.check_password(PASSWORD)


def test_current_password_cannot_be_guessed_in_an_open_session(client, alice):
    client.force_login(alice)
    for _ in range(5):
        client.post(reverse("account_reauthenticate"), {"password": WRONG})
    page = client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert page.status_code == 429


# --- Django's admin pages


@pytest.mark.parametrize(
    "query",
    [
        "accounts/user/?password__startswith=argon2",
        "accounts/user/?password__startswith=m",
        "accounts/user/?session_epoch__gte=0",
        "accounts/customer/?user__password__startswith=m",
        "tickets/ticket/?guest_token_sha256__startswith=a",
        "tickets/ticket/?assignee__password__startswith=m",
        "tickets/ticket/?customer__user__password__startswith=m",
        "tickets/message/?author__password__startswith=m",
        "accounts/loginattempt/?user_agent__contains=a",
    ],
)
def test_address_of_a_list_filters_by_no_column_the_page_does_not_offer(dan_client, ticket, query):
    response = dan_client.get(f"/admin/{query}")
    assert response.status_code in (302, 400)
    if response.status_code == 302:
        assert response.url.endswith("?e=1")


def test_offered_filters_work(dan_client, alice):
    page = dan_client.get("/admin/accounts/user/?role__exact=customer").content.decode()
    assert "alice@example.org" in page and "dan@example.org</a>" not in page


def test_records_of_log_ins_cannot_be_deleted(dan_client):
    try_login("nobody@example.org")
    attempt = LoginAttempt.objects.get()
    form = {"action": "delete_selected", "_selected_action": [attempt.pk], "post": "yes"}
    path = "/admin/accounts/loginattempt/"
    dan_client.post(path, form)
    assert dan_client.post(f"{path}{attempt.pk}/delete/").status_code == 403
    assert "nobody@example.org" in dan_client.get(path).content.decode()


def test_log_ins_are_recorded_for_half_a_year(alice):
    try_login(alice.email, PASSWORD, HTTP_USER_AGENT="Firefox")
    LoginAttempt.objects.update(created_at=timezone.now() - timedelta(days=181))
    try_login("ALICE@example.org", REMOTE_ADDR="10.0.0.7")
    attempt = LoginAttempt.objects.get()
    assert (attempt.name, attempt.ip_address) == (alice.email, "10.0.0.7")
    assert not attempt.is_successful


def test_nothing_is_written_below_admin_unrecorded():
    from django.contrib import admin

    from appliance.core.admin import ReadOnlyAdminMixin

    writable = {
        model._meta.label_lower
        for model, page in admin.site._registry.items()
        if not isinstance(page, ReadOnlyAdminMixin)
    }
    assert writable == {"triage.annotationlease", "procrastinate.procrastinatejob"}


def test_exports_are_recorded(dan_client, bob, client, ticket):
    list(dan_client.get(reverse("export-report")).streaming_content)
    list(dan_client.get(reverse("export-articles")).streaming_content)
    list(dan_client.get(reverse("export-audit-log")).streaming_content)
    kinds = (
        AuditEntry.objects.filter(verb="exported").order_by("pk").values_list("kind", "actor_name")
    )
    assert list(kinds) == [("report", "Dan"), ("articles", "Dan"), ("audit log", "Dan")]


def test_passwords_tried_at_the_same_moment_are_counted(transactional_db, alice):
    """A limit that is checked before it is counted would let all of them pass."""
    barrier = Barrier(12)

    def attempt(number: int) -> int:
        barrier.wait()
        try:
            return try_login(alice.email).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=12) as threads:
        statuses = list(threads.map(attempt, range(12)))
    assert LoginAttempt.objects.count() == RATE_LIMITS["password"]
    assert statuses.count(200) < RATE_LIMITS["password"]


def test_right_password_is_not_counted(alice):
    for _ in range(RATE_LIMITS["password"] + 1):
        assert try_login(alice.email, PASSWORD).status_code == 302
    assert not RateCount.objects.filter(count__gt=0).exists()


def test_records_of_the_earlier_version_are_moved(db, acting_as_owner):
    columns = (
        "user_agent varchar(255), ip_address inet, username varchar(255), attempt_time timestamptz"
    )
    move = import_module("appliance.accounts.migrations.0009_move_records_of_log_ins").MOVE
    with acting_as_owner(), connection.cursor() as cursor:
        for table in ("axes_accesslog", "axes_accessattempt", "axes_accessfailurelog"):
            cursor.execute(f"CREATE TABLE {table} ({columns})")
        cursor.execute("INSERT INTO axes_accesslog VALUES ('Firefox', '::1', 'alice', now())")
        cursor.execute("INSERT INTO axes_accessattempt VALUES ('x', '10.0.0.1', 'eve', now())")
        cursor.execute(move)
        cursor.execute("SELECT to_regclass('axes_accesslog')")
        assert cursor.fetchone() == (None,)
    attempts = LoginAttempt.objects.values_list("name", "ip_address", "is_successful")
    assert set(attempts) == {("alice", "::1", True), ("eve", "10.0.0.1", False)}
