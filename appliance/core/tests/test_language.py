"""LocaleMiddleware chooses language and time zone."""

import pytest
from django.test import RequestFactory
from django.utils import timezone, translation

from appliance.accounts import services as accounts_services
from appliance.core import middleware


def locale_seen_by(user, accept_language: str = "", path: str = "/") -> tuple[str, str]:
    """Language and time zone a view sees."""
    locales = []

    def view(request):
        locales.append((translation.get_language(), timezone.get_current_timezone_name()))

    request = RequestFactory().get(path, headers={"accept-language": accept_language})
    request.user = user
    middleware.LocaleMiddleware(view)(request)
    return locales[0]


@pytest.fixture
def anonymous():
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


@pytest.fixture
def german_site(dan, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.update_site_settings(by=dan, language="de", time_zone="Europe/Berlin")


def test_user_who_chose_nothing_gets_the_site_defaults(alice, german_site):
    assert locale_seen_by(alice, "en") == ("de", "Europe/Berlin")


def test_user_who_chose_gets_their_choice_without_a_query(
    alice, german_site, django_assert_num_queries
):
    alice.language, alice.time_zone = "en", "Asia/Tokyo"
    with django_assert_num_queries(0):
        assert locale_seen_by(alice, "de") == ("en", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [("en-GB,en;q=0.9", "en"), ("fr,de;q=0.5", "de"), ("fr", "de"), ("", "de"), ("a\0;q=x", "de")],
)
def test_anonymous_gets_the_browser_language(anonymous, german_site, accept_language, language):
    assert locale_seen_by(anonymous, accept_language)[0] == language


def test_next_request_starts_with_the_defaults(alice, german_site):
    locale_seen_by(alice)
    assert (translation.get_language(), timezone.get_current_timezone_name()) == ("en", "UTC")


def test_health_check_makes_no_query(anonymous, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        locale_seen_by(anonymous, path="/healthz")


def test_page_names_its_language(client, german_site):
    assert '<html lang="de"' in client.get("/login/").content.decode()
    page = client.get("/login/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="en"' in page
