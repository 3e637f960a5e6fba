"""The URL of the desk: parsed strictly, and what Django derives from it."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from appliance import env, site_url
from appliance.accounts import services as accounts_services
from appliance.core.models import AuditEntry, SiteSettings
from conftest import PASSWORD

SETTINGS_FILE = Path(__file__).resolve().parents[2] / "settings.py"
NAME, ADDRESS = "https://desk.example", "https://10.0.0.5:8443"
DERIVED_NAMES = ("ALLOWED_HOSTS", "CSRF_", "SESSION_", "SECURE_", "SILENCED_", "SITE_URL")
HSTS = "Strict-Transport-Security"


def settings_for(monkeypatch, url: str) -> dict[str, object]:
    """Return the settings of a process that is started with this URL."""
    monkeypatch.setenv("SKERRY_URL", url)
    return runpy.run_path(str(SETTINGS_FILE))


@pytest.fixture
def start_with(monkeypatch, settings):
    """Return a function that gives this test the settings of a desk with a URL."""

    def start(url: str) -> None:
        for name, value in settings_for(monkeypatch, url).items():
            if name.startswith(DERIVED_NAMES):
                setattr(settings, name, value)

    return start


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Desk.Example:443/", "https://desk.example"),
        ("http://desk:443", "http://desk:443"),
        ("http://[FD00:0::1]:8000", "http://[fd00::1]:8000"),
        ("https://münchen.example.", "https://xn--mnchen-3ya.example"),
        (" https://10.0.0.5 ", "https://10.0.0.5"),
    ],
)
def test_url_is_read_as_browsers_send_it(text, origin):
    assert site_url.parse(text).origin == origin


@pytest.mark.parametrize(
    "text",
    [
        "desk.example",
        "ftp://desk.example",
        "https://",
        "https://*",
        "https://.example",
        "https://*.example",
        "https://a..example",
        "https://user@desk.example",
        "https://desk.example/help",
        "https://desk.example?x",
        "https://desk.example:0",
        "https://desk.example:99999",
        "https://10.0.0.300",
        "https://[::1",
        "https://[fe80::1%eth0]",
        "https://desk_1.example",
        f"https://{'a.' * 130}example",
        "javascript:alert(1)",
    ],
)
def test_other_urls_are_refused_with_an_example(monkeypatch, text):
    monkeypatch.setenv("SKERRY_URL", text)
    with pytest.raises(ImproperlyConfigured, match=r"SKERRY_URL: .*https://desk\.example"):
        env.url("SKERRY_URL")


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://localhost:8000", True),
        ("http://desk.localhost", True),
        ("http://127.0.0.2", True),
        ("http://[::1]", True),
        ("http://localhost.example", False),
        ("http://10.0.0.5", False),
    ],
)
def test_loopback_is_known_by_name_and_address(url, is_loopback):
    assert site_url.parse(url).is_loopback is is_loopback


def test_proxies_are_addresses_or_networks(monkeypatch):
    monkeypatch.setenv("SKERRY_TRUSTED_PROXIES", "10.0.0.5, fd00::/64")
    assert env.networks("SKERRY_TRUSTED_PROXIES") == ["10.0.0.5/32", "fd00::/64"]
    for wrong in ("proxy.example", "10.0.0.5/24", "*"):
        monkeypatch.setenv("SKERRY_TRUSTED_PROXIES", wrong)
        with pytest.raises(ImproperlyConfigured, match="SKERRY_TRUSTED_PROXIES must hold"):
            env.networks("SKERRY_TRUSTED_PROXIES")


def test_https_gives_secure_cookies_and_trusts_its_origin(monkeypatch):
    values = settings_for(monkeypatch, f"{NAME}:8443")
    assert values["SESSION_COOKIE_SECURE"] and values["CSRF_COOKIE_SECURE"]
    assert values["SESSION_COOKIE_NAME"] == "__Host-sessionid"
    assert values["CSRF_TRUSTED_ORIGINS"] == ["https://desk.example:8443"]
    assert "desk.example" in values["ALLOWED_HOSTS"] and "*" not in values["ALLOWED_HOSTS"]


@pytest.mark.parametrize(
    ("url", "has_hsts"),
    [(NAME, True), (ADDRESS, False), ("https://localhost:8443", False), ("http://desk", False)],
)
def test_hsts_is_for_https_with_a_name(monkeypatch, url, has_hsts):
    assert bool(settings_for(monkeypatch, url).get("SECURE_HSTS_SECONDS")) is has_hsts


@pytest.mark.parametrize("url", [NAME, ADDRESS, "http://desk.example", ""])
def test_deployment_checks_find_nothing(start_with, url):
    start_with(url)
    messages = checks.run_checks(include_deployment_checks=True)
    assert [message for message in messages if not message.is_silenced()] == []


def test_deployment_check_of_an_https_desk_silences_nothing_about_https():
    values = os.environ | {"SECRET_KEY": "0123456789-abcdefghij-" * 3, "SKERRY_URL": NAME}
    script = """
import django
from django.conf import settings
from django.core.management import call_command
django.setup()
https = {f"security.W{number}" for number in ("003", "004", "008", "011", "016")}
assert not https & set(settings.SILENCED_SYSTEM_CHECKS)
call_command("check", deploy=True, fail_level="WARNING")
"""
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, env=values, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "status"), [("desk.example", 200), ("localhost", 200), ("evil.example", 400)]
)
def test_hsts_is_sent_for_the_name_of_the_desk_alone(start_with, host, status):
    start_with(NAME)
    response = Client().get("/login/", HTTP_HOST=host, secure=True)
    assert response.status_code == status
    assert (HSTS in response.headers) is (host == "desk.example")


@pytest.mark.django_db
def test_plain_http_is_redirected_to_the_url_but_health_is_answered(start_with):
    start_with(f"{NAME}:8443")
    response = Client().get("/login/?next=/", HTTP_HOST="127.0.0.1:8000")
    assert (response.status_code, response["Location"]) == (
        301,
        "https://desk.example:8443/login/?next=/",
    )
    assert response["Cache-Control"] == "no-store"  # browsers keep other 301 for good
    assert Client().get("/healthz", HTTP_HOST="127.0.0.1:8000").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["", "evil.example", "a.desk.example", "desk.example@evil", "a/b"])
def test_other_hosts_are_refused(start_with, host):
    start_with(NAME)
    assert Client().get("/login/", HTTP_HOST=host, secure=True).status_code == 400


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("desk.example", NAME, 302),
        ("localhost", NAME, 302),  # a proxy that names itself
        ("desk.example", "https://evil.example", 403),
        ("desk.example", "https://desk.example.evil", 403),
        ("desk.example", "http://desk.example", 403),
        ("desk.example", "null", 403),
    ],
)
def test_forms_of_other_origins_are_refused(start_with, dan, host, origin, status):
    start_with(NAME)
    browser = Client(enforce_csrf_checks=True)
    page = browser.get("/login/", HTTP_HOST=host, secure=True)
    cookie = page.cookies["__Host-csrftoken"]
    assert cookie["secure"] and cookie["path"] == "/" and not cookie["domain"]
    form = {"login": dan.email, "password": PASSWORD, "csrfmiddlewaretoken": cookie.value}
    response = browser.post("/login/", form, HTTP_HOST=host, HTTP_ORIGIN=origin, secure=True)
    assert response.status_code == status


@pytest.mark.django_db
def test_start_stores_the_url_for_links_and_records_it():
    accounts_services.store_site_url(NAME)
    accounts_services.store_site_url(NAME)
    assert SiteSettings.objects.get().base_url == NAME
    assert AuditEntry.objects.get().data == {"base_url": {"from": "", "to": NAME}}
