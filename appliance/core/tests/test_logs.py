import io
import json
import logging
from types import ModuleType

import pytest
import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.test import Client
from django.urls import path, reverse

from appliance import urls
from appliance.accounts import services as accounts_services


@pytest.fixture
def log():
    """The log stream of this process during the test."""
    formatted = structlog.stdlib.ProcessorFormatter
    handler = next(h for h in logging.getLogger().handlers if isinstance(h.formatter, formatted))
    before = handler.setStream(io.StringIO())
    yield handler.stream
    handler.setStream(before)


def test_each_line_is_json_with_the_request_id(client, db, log):
    client.get(reverse("account_login"))
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len({line["request_id"] for line in lines}) == 1
    assert {line["event"] for line in lines} == {"request_started", "request_finished"}


def test_set_up_token_stays_out_of_the_log(client, db, log):
    token = accounts_services.create_setup_link()
    client.get(reverse("setup", args=[token]))
    client.get(f"/nowhere/?next=/setup/{token}/")
    client.get(f"/setup/{token}/more/")
    assert log.getvalue().count("/setup/") >= 5
    assert token not in log.getvalue()


@pytest.mark.parametrize("prefix", ["guest", "welcome"])
def test_secret_link_token_stays_out_of_the_log(client, db, log, prefix):
    token = "e1" * 32
    client.get(f"/{prefix}/{token}/")
    client.get(f"/nowhere/?next=/{prefix}/{token}/")
    assert log.getvalue().count(f"/{prefix}/") >= 3
    assert token not in log.getvalue()


CANARY = "kanarienvogel"


@pytest.fixture
def careless_urls(settings):
    """Pages whose errors quote what somebody typed."""

    def fail(error: Exception):
        def view(request):
            local_value = CANARY  # noqa: F841
            raise error

        return view

    def fail_in_the_database(request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [CANARY])

    def fail_with_a_cause(request):
        try:
            int(CANARY)
        except ValueError as error:
            raise KeyError(CANARY) from error

    careless = ModuleType("careless")
    careless.handler500 = urls.handler500
    careless.urlpatterns = [
        path("value/", fail(ValueError(CANARY))),
        path("database/", fail_in_the_database),
        path("cause/", fail_with_a_cause),
        path("group/", fail(ExceptionGroup(CANARY, [ValueError(CANARY)]))),
        path("note/", fail(_noted_error())),
        path("denied/", fail(PermissionDenied(CANARY))),
        path("bad/", fail(SuspiciousOperation(CANARY))),
        *urls.urlpatterns,
    ]
    settings.ROOT_URLCONF = careless


def _noted_error() -> Exception:
    error = RuntimeError(CANARY)
    error.add_note(CANARY)
    return error


@pytest.mark.parametrize("name", ["value", "database", "cause", "group", "note"])
def test_errors_are_logged_without_their_values(db, log, careless_urls, name):
    client = Client(raise_request_exception=False)
    client.post(f"/{name}/?word={CANARY}", {"word": CANARY})
    assert "test_logs.py" in log.getvalue(), "where it was raised"
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize("name", ["denied", "bad", "nowhere", "login", "search", "register"])
def test_search_words_and_typed_values_stay_out_of_the_log(db, log, careless_urls, name):
    client = Client(
        raise_request_exception=False, headers={"referer": f"http://testserver/?q={CANARY}"}
    )
    client.get(f"/{name}/", {"q": CANARY, "next": f"/?q={CANARY}"})
    client.post(f"/{name}/?q={CANARY}", {"login": f"{CANARY}@example.org", "password": CANARY})
    assert f"/{name}/" in log.getvalue()
    assert CANARY not in log.getvalue()


def test_locked_account_is_not_named_in_the_log(client, alice, log):
    for _ in range(6):
        client.post(reverse("account_login"), {"login": alice.email, "password": CANARY})
    assert log.getvalue() and "alice" not in log.getvalue()


def test_message_of_a_full_disk_is_logged(log):
    structlog.get_logger("x").error("failed", exc_info=OSError(28, "No space left on device"))
    assert "No space left on device" in log.getvalue()
