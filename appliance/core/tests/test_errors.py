import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from appliance.core.errors import ForbiddenError
from appliance.core.middleware import ErrorResponseMiddleware


@pytest.fixture
def dead_database(transactional_db, tmp_path):
    """PostgreSQL does not response."""
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(tmp_path)
    yield
    connection.close()
    connection.settings_dict["HOST"] = host


@pytest.mark.parametrize("name", ["account_login", "register"])
def test_dead_database_is_503_with_an_explanation(client, dead_database, name):
    client.raise_request_exception = False
    response = client.get(reverse(name))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "The database did not respond" in response.content.decode()


@pytest.fixture
def alice_client_without_database(client, transactional_db, request):
    client.force_login(request.getfixturevalue("alice"))
    request.getfixturevalue("dead_database")
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("name", ["dashboard", "create-ticket", "search", "articles"])
def test_logged_in_user_gets_503_too(alice_client_without_database, name):
    assert alice_client_without_database.get(reverse(name)).status_code == 503


def test_posted_form_gets_503_with_a_remedy(alice_client_without_database):
    data = {"subject": "lost?", "description": "…"}
    response = alice_client_without_database.post(reverse("create-ticket"), data)
    assert response.status_code == 503
    assert "Go back and try again" in response.content.decode()


def test_health_check_reports_a_dead_database(client, dead_database):
    response = client.get("/healthz")
    assert (response.status_code, response.json()["database"]) == (503, "does not answer")


def test_forbidden_error_keeps_its_message(rf, db):
    request = rf.get("/")
    response = ErrorResponseMiddleware(lambda r: None).process_exception(
        request, ForbiddenError("Not yours.")
    )
    assert response.status_code == 403
    assert "Not yours." in response.content.decode()


def test_unexpected_error_is_a_page_without_traceback(client, db, monkeypatch):
    monkeypatch.setattr("appliance.accounts.views.RegisterForm", lambda post: 1 / 0)
    client.raise_request_exception = False
    response = client.get(reverse("register"))
    assert response.status_code == 500
    assert "Traceback" not in response.content.decode()
    assert "ZeroDivisionError" not in response.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_unlisted_host_name_is_named_with_the_setting(db, method):
    response = getattr(Client(enforce_csrf_checks=True), method)(
        "/login/", HTTP_HOST="mal<i>.example"
    )
    page = response.content.decode()
    assert response.status_code == 400 and "SKERRY_HOSTS" in page
    assert "mal&lt;i&gt;.example" in page and "mal<i>" not in page
