import pytest
from django.db import connection
from django.urls import reverse

from appliance.core.errors import RefusedError
from appliance.core.middleware import errors_to_http


@pytest.fixture
def dead_database(transactional_db, tmp_path):
    """Nobody listens where PostgreSQL should be."""
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(tmp_path)
    yield
    connection.close()
    connection.settings_dict["HOST"] = host


@pytest.mark.parametrize("name", ["login", "register"])
def test_dead_database_is_503_in_plain_words(client, dead_database, name):
    client.raise_request_exception = False
    answer = client.get(reverse(name))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The database did not answer" in answer.content.decode()


@pytest.fixture
def alice_while_it_dies(client, transactional_db, request):
    client.force_login(request.getfixturevalue("alice"))
    request.getfixturevalue("dead_database")
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("name", ["dashboard", "create-ticket", "search", "articles"])
def test_logged_in_person_gets_the_same_words(alice_while_it_dies, name):
    assert alice_while_it_dies.get(reverse(name)).status_code == 503


def test_sent_form_is_answered_with_what_to_do(alice_while_it_dies):
    words = {"subject": "lost?", "description": "…"}
    answer = alice_while_it_dies.post(reverse("create-ticket"), words)
    assert answer.status_code == 503
    assert "send it again" in answer.content.decode()


def test_health_tells_of_a_dead_database(client, dead_database):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["database"]) == (503, "does not answer")


def test_refusal_keeps_its_words(rf, db):
    request = rf.get("/")
    answer = errors_to_http(lambda r: None).process_exception(request, RefusedError("Not yours."))
    assert answer.status_code == 403
    assert "Not yours." in answer.content.decode()


def test_fault_of_ours_is_a_page_with_its_number_and_no_traceback(client, db, monkeypatch):
    monkeypatch.setattr("appliance.accounts.views.RegisterForm", lambda post: 1 / 0)
    client.raise_request_exception = False
    answer = client.get(reverse("register"))
    assert answer.status_code == 500
    assert "Traceback" not in answer.content.decode()
    assert "ZeroDivisionError" not in answer.content.decode()
