"""Everybody is spoken to in their language and at their time."""

import pytest
from django.test import RequestFactory
from django.utils import timezone, translation

from appliance.accounts import services as accounts_services
from appliance.core import middleware


def spoken_to(person, accepted: str = "", path: str = "/") -> tuple[str, str]:
    """Language and time zone a view sees."""
    found = []

    def view(request):
        found.append((translation.get_language(), timezone.get_current_timezone_name()))

    request = RequestFactory().get(path, headers={"accept-language": accepted})
    request.user = person
    middleware.person_language(view)(request)
    return found[0]


@pytest.fixture
def stranger():
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


@pytest.fixture
def german_desk(dan, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.change_desk(by=dan, language="de", time_zone="Europe/Berlin")


def test_person_who_chose_nothing_gets_the_desk_s(alice, german_desk):
    assert spoken_to(alice, "en") == ("de", "Europe/Berlin")


def test_person_who_chose_gets_what_they_chose_without_a_query(
    alice, german_desk, django_assert_num_queries
):
    alice.language, alice.time_zone = "en", "Asia/Tokyo"
    with django_assert_num_queries(0):
        assert spoken_to(alice, "de") == ("en", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("en-GB,en;q=0.9", "en"), ("fr,de;q=0.5", "de"), ("fr", "de"), ("", "de"), ("a\0;q=x", "de")],
)
def test_stranger_is_spoken_to_as_the_browser_asks(stranger, german_desk, accepted, language):
    assert spoken_to(stranger, accepted)[0] == language


def test_nothing_lingers_for_the_next_request(alice, german_desk):
    spoken_to(alice)
    assert (translation.get_language(), timezone.get_current_timezone_name()) == ("en", "UTC")


def test_health_probe_asks_nothing(stranger, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        spoken_to(stranger, path="/healthz")


def test_page_says_in_which_language_it_is(client, german_desk):
    assert '<html lang="de"' in client.get("/login/").content.decode()
    page = client.get("/login/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="en"' in page
