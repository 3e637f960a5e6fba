"""The address an admin sets is a host under which browsers may open the desk."""

import re

import pytest
from django.test import Client, TestCase

from appliance.accounts import services as accounts_services
from appliance.core import own_address
from conftest import PASSWORD

pytestmark = pytest.mark.django_db


def set_address(dan, url: str) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        accounts_services.update_site_settings(by=dan, base_url=url)


def status(host: str) -> int:
    return Client().get("/login/", HTTP_HOST=host).status_code


def test_address_counts_as_listed_as_soon_as_it_is_set(dan):
    assert status("desk.example:8000") == 400
    set_address(dan, "https://desk.example:8000")
    hosts = ("desk.example:8000", "DESK.example", "desk.example.")
    assert [status(host) for host in hosts] == [200, 200, 200]
    set_address(dan, "http://other.example")
    assert (status("desk.example:8000"), status("other.example")) == (400, 200)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "a.desk.example", "desk.example.evil", "desk.example@evil", "[::1", "a/b"],
)
def test_other_hosts_stay_refused(dan, host):
    set_address(dan, "http://desk.example")
    assert status(host) == 400


@pytest.mark.parametrize("url", ["http://*", "http://.example", "http://*.example", "http://a@b"])
def test_address_that_is_a_pattern_lists_nothing(dan, url):
    set_address(dan, url)
    assert [status(host) for host in ("desk.example", "example", "b")] == [400, 400, 400]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://Desk.example:443/x", ("desk.example", "https://desk.example")),
        ("http://desk.example:443", ("desk.example", "http://desk.example:443")),
        ("http://[fd00::1]:8000", ("[fd00::1]", "http://[fd00::1]:8000")),
        ("http://münchen.example", ("xn--mnchen-3ya.example", "http://xn--mnchen-3ya.example")),
        ("http://a..example", ("", "")),
        ("", ("", "")),
    ],
)
def test_address_is_read_as_browsers_send_it(url, address):
    assert own_address.parse_address(url) == address


def test_address_is_looked_up_for_unlisted_hosts_only_and_cached(
    dan, monkeypatch, django_assert_num_queries
):
    set_address(dan, "http://desk.example")
    own_address.own_address()
    with django_assert_num_queries(0):
        assert own_address.own_address() == ("desk.example", "http://desk.example")
    monkeypatch.delattr(own_address, "own_address")
    assert status("localhost") == 200


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("desk.example", "https://desk.example", 302),
        ("localhost", "https://desk.example", 302),  # a proxy that names itself
        ("desk.example", "http://desk.example", 302),
        ("desk.example", "https://evil.example", 403),
        ("desk.example", "https://desk.example.evil", 403),
        ("desk.example", "null", 403),
    ],
)
def test_forms_of_the_address_are_accepted_behind_a_proxy_for_tls(dan, host, origin, status):
    set_address(dan, "https://desk.example/")
    browser = Client(enforce_csrf_checks=True)
    page = browser.get("/login/", HTTP_HOST=host).content.decode()
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = {"username": dan.email, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert browser.post("/login/", form, HTTP_HOST=host, HTTP_ORIGIN=origin).status_code == status
    assert browser.post("/login/", {}, HTTP_HOST=host, HTTP_ORIGIN=origin).status_code == 403
