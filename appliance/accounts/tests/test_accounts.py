"""Log-in, registration, the set-up link and Django's admin pages."""

from datetime import timedelta

import django.contrib.admin
import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from appliance.accounts import queries, services
from appliance.accounts.models import Customer, Role, SetupLink, User
from appliance.core.errors import BadInputError
from conftest import PASSWORD


def log_in(client, email: str, password: str = PASSWORD):
    return client.post(reverse("account_login"), {"login": email, "password": password})


def test_password_is_stored_as_argon2id(alice, settings):
    settings.PASSWORD_HASHERS = ["appliance.accounts.security.Argon2idHasher"]
    alice.set_password("a-rock-alone-in-the-sea")
    assert alice.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_log_in_by_e_mail_in_any_case(client, alice):
    assert log_in(client, "ALICE@Example.org").url == reverse("dashboard")


def test_wrong_password_and_unknown_address_get_the_same_answer(client, alice):
    wrong = log_in(client, alice.email, "not-the-password")
    unknown = log_in(client, "nobody@example.org", "not-the-password")
    assert wrong.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()


def test_unknown_address_costs_a_hash_too(client, alice, monkeypatch):
    hashes = []
    monkeypatch.setattr(User, "set_password", lambda self, raw: hashes.append(raw))
    log_in(client, "nobody@example.org", "not-the-password")
    assert hashes == ["not-the-password"]


def test_deactivated_person_cannot_log_in(client, alice):
    User.objects.update(is_active=False)
    assert log_in(client, alice.email).status_code == 200
    assert "_auth_user_id" not in client.session


def test_five_wrong_passwords_lock_this_address_out_of_this_account(client, alice, bob):
    for attempt in range(5):
        response = log_in(client, "ALICE@example.org" if attempt % 2 else alice.email, "wrong-word")
    assert response.status_code == 429
    cache.clear()
    assert log_in(client, alice.email).status_code == 429, "a cache restart lifts no lock"
    assert log_in(client, bob.email).url == reverse("dashboard")


def test_flushed_cache_ends_no_session(client, alice):
    log_in(client, alice.email)
    cache.clear()
    assert client.get(reverse("dashboard")).status_code == 200


def test_session_key_changes_on_log_in(client, alice):
    client.get(reverse("account_login"))
    before = client.session.session_key
    log_in(client, alice.email)
    assert client.session.session_key != before


def test_log_in_does_not_redirect_to_other_hosts(client, alice):
    response = client.post(
        reverse("account_login"),
        {"login": alice.email, "password": PASSWORD, "next": "//elsewhere.example/"},
    )
    assert response.url == reverse("dashboard")


def register(client, **fields: str):
    person = {
        "first_name": "Eve",
        "email": "eve@example.org",
        "password": PASSWORD,
        "password_again": PASSWORD,
    } | fields
    return client.post(reverse("register"), person)


def test_registration_creates_a_customer_and_logs_in(client, db):
    assert register(client).url == reverse("dashboard")
    user = User.objects.get(email="eve@example.org")
    assert (user.role, user.customer.first_name) == (Role.CUSTOMER, "Eve")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "ALICE@example.org"}, "email"),
        ({"password": "short", "password_again": "short"}, "password"),
        ({"password_again": "something else"}, "password_again"),
        ({"first_name": ""}, "first_name"),
        ({"first_name": "\u200b\0"}, "first_name"),
    ],
)
def test_invalid_registration_names_the_field_and_keeps_the_rest(client, alice, fields, field):
    response = register(client, **fields)
    assert response.status_code == 400
    assert list(response.context["form"].errors) == [field]
    assert User.objects.count() == Customer.objects.count() == 1
    if field != "email":
        assert b'value="eve@example.org"' in response.content


def test_registration_does_not_take_over_a_known_customer(client, db):
    services.add_customer(email="eve@example.org", first_name="Eve")
    assert register(client).status_code == 302
    assert Customer.objects.get(email="eve@example.org").user is None


def test_agent_who_opens_a_ticket_gets_one_customer_record(bob):
    assert services.ensure_customer_of(bob) == services.ensure_customer_of(User.objects.get())


def test_setup_link_works_once_and_a_new_one_ends_the_old(db):
    old, new = services.create_setup_link(), services.create_setup_link()
    assert not queries.is_valid_setup_token(old)
    assert services.consume_setup_link(new)
    assert not services.consume_setup_link(new)


def test_setup_link_expires_and_is_stored_hashed(db):
    token = services.create_setup_link()
    assert token not in str(SetupLink.objects.values())
    SetupLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not queries.is_valid_setup_token(token)


def test_admin_page_lists_every_table(dan_client):
    response = dan_client.get(reverse("admin:index"))
    for name in ("Users", "Customers", "Tickets", "Ticket categories", "Articles", "Events"):
        assert name in response.content.decode()


@pytest.mark.parametrize("model", django.contrib.admin.site._registry, ids=str)
def test_every_admin_list_opens(dan_client, ticket, model):
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    assert dan_client.get(url, {"q": "alice"}).status_code == 200


def test_admin_shows_a_ticket_with_its_messages_and_events(dan_client, ticket):
    url = reverse("admin:tickets_ticket_change", args=[ticket.pk])
    assert ticket.description in dan_client.get(url).content.decode()


def test_users_and_site_settings_are_read_only_in_django_admin(dan_client, alice):
    for url in (
        reverse("admin:accounts_user_change", args=[alice.pk]),
        reverse("admin:accounts_customer_change", args=[alice.customer.pk]),
    ):
        page = dan_client.get(url).content.decode()
        assert alice.email in page and "argon2" not in page
        assert dan_client.post(url, {"role": "admin"}).status_code == 403
    assert dan_client.get(reverse("admin:accounts_user_add")).status_code == 403


def test_same_address_twice_is_rejected(alice):
    with pytest.raises(BadInputError, match="already has an account"):
        services.add_user(email="Alice@Example.org", first_name="A", password=PASSWORD)


TWO_FAULTS = {"password": "short", "password_again": "shore"}


def assert_both_faults_are_told(page: str) -> None:
    assert "too short" in page and "do not match" in page


def test_registration_tells_all_that_is_wrong_with_a_password(client, db):
    form = {"first_name": "Zoe", "email": "zoe@example.org"} | TWO_FAULTS
    assert_both_faults_are_told(client.post("/register/", form).content.decode())
    form |= {"password": "zoe@example.org", "password_again": "zoe@example.org"}
    page = client.post("/register/", form | {"email": "zoe@example.org"}).content.decode()
    assert "too similar" in page and "do not match" not in page


def test_invitation_tells_all_that_is_wrong_with_a_password(client, bob, dan):
    token = services.invite(person=bob, by=dan)
    page = client.post(reverse("set-password", args=[token]), TWO_FAULTS).content.decode()
    assert_both_faults_are_told(page)


def test_change_of_a_password_tells_all_that_is_wrong(client, bob):
    client.force_login(bob)
    page = client.post(reverse("profile-password"), TWO_FAULTS).content.decode()
    assert_both_faults_are_told(page)


def test_table_of_addresses_of_allauth_stays_empty(client, alice, dan):
    log_in(client, alice.email)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = {"password": PASSWORD, "password_again": PASSWORD}
    client.post(reverse("set-password", args=[services.invite(person=alice, by=dan)]), form)
    assert not EmailAddress.objects.exists()
