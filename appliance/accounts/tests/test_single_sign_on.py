"""Log-in through an identity provider, against a small real server on this machine."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from appliance import egress_guard
from appliance.accounts import openid_connect, services
from appliance.accounts.models import Customer, IdentityProvider, Role, User
from appliance.core.models import AuditEntry, SiteSettings
from conftest import PASSWORD
from tests.identity_server import CLIENT_ID, CLIENT_SECRET, IdentityServer
from tests.mail.certificates import Certificates

NEW = {"sub": "99", "email": "nina@example.org", "given_name": "Nina", "family_name": "New"}


@pytest.fixture
def server() -> Iterator[IdentityServer]:
    server = IdentityServer()
    yield server
    server.stop()


@pytest.fixture
def provider(server, db) -> IdentityProvider:
    return IdentityProvider.objects.create(
        name="Site account",
        issuer=server.url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        links_accounts=True,
    )


def go_to_provider(client: Client, provider: IdentityProvider, **query: str) -> str:
    """Start the log-in; return the address with which the provider sends the browser back."""
    url = client.get(reverse("provider-login", args=[provider.pk]), query).url
    opener = urllib.request.build_opener(NoRedirects)
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(url, timeout=5)
    parts = urlsplit(answer.value.headers["Location"])
    return f"{parts.path}?{parts.query}"


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        return None


def sign_in(client: Client, provider: IdentityProvider, **query: str) -> HttpResponse:
    return client.get(go_to_provider(client, provider, **query))


def current_user(client: Client) -> User | None:
    return User.objects.filter(pk=client.session.get("_auth_user_id", 0)).first()


def reason(client: Client) -> str:
    page = client.get(reverse("account_login"))
    return " ".join(str(message) for message in page.context["messages"])


def test_existing_user_signs_in_by_a_verified_address(client, provider, alice):
    answer = sign_in(client, provider, next="/articles/")
    assert answer.url == "/articles/" and current_user(client) == alice


def test_sign_in_does_not_lead_to_another_site(client, provider, alice):
    assert sign_in(client, provider, next="https://evil.example/").url == reverse("dashboard")


def test_button_is_on_the_sign_in_page_while_it_is_offered(client, provider):
    path = reverse("provider-login", args=[provider.pk])
    assert path in client.get(reverse("account_login")).content.decode()
    IdentityProvider.objects.update(is_active=False)
    assert path not in client.get(reverse("account_login")).content.decode()
    assert client.get(path).status_code == 404


def test_new_person_becomes_a_customer(client, provider, server):
    server.person = NEW | {"email_verified": True}
    sign_in(client, provider)
    user = current_user(client)
    assert (user.first_name, user.role, user.has_usable_password()) == ("Nina", "customer", False)
    assert Customer.objects.get(email="nina@example.org").user == user


@pytest.mark.parametrize("claim", [{}, {"email_verified": False}, {"email_verified": "no"}])
def test_address_that_is_not_verified_lets_nobody_in(client, provider, server, alice, claim):
    server.person = {"sub": "1", "email": alice.email} | claim
    sign_in(client, provider)
    assert current_user(client) is None and "has not verified" in reason(client)


def test_existing_account_is_not_linked_unless_the_admin_allows_it(client, provider, alice):
    IdentityProvider.objects.update(links_accounts=False)
    sign_in(client, provider)
    assert current_user(client) is None and "has an account here already" in reason(client)


def test_unconfirmed_account_is_taken_from_whoever_registered_it(client, provider, alice):
    User.objects.filter(pk=alice.pk).update(email_confirmed_at=None)
    stranger = Client()
    stranger.force_login(alice)
    sign_in(client, provider)
    alice.refresh_from_db()
    assert current_user(client) == alice and alice.email_confirmed_at
    assert not alice.check_password(PASSWORD)
    assert stranger.get(reverse("profile")).status_code == 302


def test_person_is_known_again_after_a_change_of_address(client, provider, server, alice):
    sign_in(client, provider)
    server.person["email"] = "alice.new@example.org"
    other = Client()
    sign_in(other, provider)
    assert current_user(other) == alice


def test_deactivated_user_is_not_let_in(client, provider, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    sign_in(client, provider)
    assert current_user(client) is None and "deactivated" in reason(client)


def test_groups_decide_role_and_teams(client, provider, server, dan):
    team = services.add_team(by=dan, name="First level")
    rules = [
        {"group": "desk", "role": "agent", "team": team.pk},
        {"group": "it", "role": "admin", "team": None},
    ]
    IdentityProvider.objects.update(groups_claim="groups", group_rules=rules)
    server.person = NEW | {"email_verified": True, "groups": ["desk", "others"]}
    sign_in(client, provider)
    user = current_user(client)
    assert user.role == Role.AGENT and list(user.teams.all()) == [team]
    server.person["groups"] = []
    sign_in(Client(), provider)
    user.refresh_from_db()
    assert user.role == Role.CUSTOMER and not user.teams.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another-client"},
        {"exp": 1_000_000_000},
        {"azp": "another-client"},
        {"sub": None},
    ],
)
def test_token_for_somebody_else_is_refused(client, provider, server, alice, changes):
    server.changes = changes
    sign_in(client, provider)
    assert current_user(client) is None and "not valid" in reason(client)


def test_token_with_a_foreign_signature_is_refused(client, provider, server, alice):
    server.signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sign_in(client, provider)
    assert current_user(client) is None and "not valid" in reason(client)


def test_user_info_about_somebody_else_is_refused(client, provider, server, alice):
    server.person = {"sub": "1"}
    server.userinfo = {"sub": "2", "email": alice.email, "email_verified": True}
    sign_in(client, provider)
    assert current_user(client) is None and "somebody else" in reason(client)


def test_answer_belongs_to_the_browser_that_asked_and_is_used_once(client, provider, alice):
    path = go_to_provider(client, provider)
    stranger = Client()
    stranger.get(path)
    assert current_user(stranger) is None and "expired" in reason(stranger)
    client.get(path)
    assert current_user(client) == alice
    client.post(reverse("logout"))
    client.get(path)
    assert current_user(client) is None


def test_code_without_its_verifier_is_refused(client, provider, server, alice):
    path = go_to_provider(client, provider)
    session = client.session
    for begun in session["sso_pending"].values():
        begun["verifier"] = "another"
    session.save()
    client.get(path)
    assert current_user(client) is None and "invalid_grant" in reason(client)


def test_cancelled_sign_in_returns_to_the_page(client, provider):
    path = go_to_provider(client, provider)
    state = parse_qs(urlsplit(path).query)["state"][0]
    client.get(path.partition("?")[0], {"state": state, "error": "access_denied"})
    assert "cancelled" in reason(client)


def test_admin_gets_in_with_a_password_while_the_provider_is_down(client, provider, server, dan):
    server.stop()
    assert client.get(reverse("provider-login", args=[provider.pk])).status_code == 302
    assert "does not answer" in reason(client)
    client.post(reverse("account_login"), {"login": dan.email, "password": PASSWORD})
    assert current_user(client) == dan


def test_second_factor_is_left_to_the_provider_only_if_the_admin_says_so(client, provider, alice):
    SiteSettings.objects.update_or_create(pk=1, defaults={"second_factor": "everybody"})
    sign_in(client, provider)
    assert client.get(reverse("profile")).status_code == 302
    IdentityProvider.objects.update(replaces_second_factor=True)
    other = Client()
    sign_in(other, provider)
    assert other.get(reverse("profile")).status_code == 200


def test_page_after_log_out_leads_to_the_log_out_of_the_provider(client, provider, server, alice):
    sign_in(client, provider)
    page = client.post(reverse("logout"), follow=True).content.decode()
    path = reverse("provider-logout", args=[provider.pk])
    assert current_user(client) is None and path in page
    assert client.get(path).url.startswith(f"{server.url}/end?client_id=skerry")


# --- the test of the settings


def check(provider: IdentityProvider, **changes: str) -> str:
    for name, value in changes.items():
        setattr(provider, name, value)
    try:
        openid_connect.check(provider)
    except openid_connect.ProviderError as error:
        return str(error)
    return ""


def test_right_settings_pass_the_test(provider):
    assert check(provider) == ""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"client_secret": "wrong"}, "refuses client ID and secret"),
        ({"issuer": "http://127.0.0.1:1"}, "does not answer"),
        ({"issuer": "http://login.example"}, "must start with https://"),
    ],
)
def test_wrong_settings_are_explained(provider, changes, text):
    assert text in check(provider, **changes)


def test_server_with_another_name_is_refused(provider, server):
    server.configuration = {"issuer": "https://login.example"}
    assert "https://login.example" in check(provider)


def test_server_that_names_another_host_is_refused(provider, server):
    server.configuration = {"token_endpoint": "https://evil.example/token"}
    with egress_guard.recording() as attempts:
        assert "another host" in check(provider)
    assert attempts == []


def test_secret_is_encrypted_and_never_sent_to_another_server(dan_client, provider, dan):
    edit = reverse("edit-identity-provider", args=[provider.pk])
    assert CLIENT_SECRET not in dan_client.get(edit).content.decode()
    fields = {"issuer": "https://evil.example", "client_id": CLIENT_ID, "client_secret": ""}
    with pytest.raises(Exception, match="Enter the secret again"):
        services.try_identity_provider(provider=provider, fields=fields)


def test_admin_adds_a_provider_and_tests_it(dan_client, server, dan):
    team = services.add_team(by=dan, name="First level")
    fields = {
        "name": "Site account",
        "issuer": f"{server.url}/.well-known/openid-configuration",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "email_claim": "email",
        "groups_claim": "groups",
        "group_rules": "cn=a=b = agent, first level\nit = admin",
        "is_active": "on",
    }
    page = dan_client.post(reverse("test-new-identity-provider"), fields)
    assert "The server answers" in page.content.decode()
    assert dan_client.post(reverse("add-identity-provider"), fields).status_code == 302
    provider = IdentityProvider.objects.get()
    assert provider.issuer == server.url and provider.client_secret == CLIENT_SECRET
    assert provider.group_rules == [
        {"group": "cn=a=b", "role": "agent", "team": team.pk},
        {"group": "it", "role": "admin", "team": None},
    ]
    page = dan_client.get(reverse("edit-identity-provider", args=[provider.pk])).content.decode()
    assert "cn=a=b = agent, First level" in page and f"/sso/{provider.pk}/callback/" in page
    assert CLIENT_SECRET not in str(AuditEntry.objects.values("data"))


def test_wrong_rule_names_the_line(dan_client, provider):
    page = dan_client.post(
        reverse("edit-identity-provider", args=[provider.pk]), {"group_rules": "it = boss"}
    )
    assert "“it = boss” is no rule" in page.content.decode()


def test_server_over_tls_needs_its_certificate(tmp_path, provider):
    certificates = Certificates.create(tmp_path)
    server = IdentityServer((certificates.certificate, certificates.key))
    assert "not trusted" in check(provider, issuer=server.url)
    assert check(provider, ca_certificate=certificates.ca_pem) == ""
    assert "cannot be read" in check(provider, ca_certificate="-----BEGIN nothing")
    server.stop()
