"""Second factors: set-up, log-in with a code, recovery codes, the rule by role, the reset."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from appliance.accounts import services
from appliance.accounts.models import LoginAttempt, User
from appliance.core.models import AuditEntry, SiteSettings
from appliance.notifications.models import OutgoingEmail
from conftest import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_at(offset: int = 0, secret: str = SECRET) -> str:
    """Return the code of the authenticator app, ``offset`` steps of 30 s from now."""
    counter = int(time.time()) // 30 + offset
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def give_app(person: User) -> Authenticator:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    RecoveryCodes.activate(person)
    return totp.TOTP.activate(person, SECRET).instance


def send_password(person: User) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    return client


def send_code(client: Client, code: str):
    return client.post(reverse("mfa_authenticate"), {"code": code})


def is_logged_in(client: Client) -> bool:
    return client.get(reverse("profile")).status_code == 200


def require(rule: str) -> None:
    SiteSettings.objects.update_or_create(pk=1, defaults={"second_factor": rule})


def test_agent_sets_up_an_app_with_its_code(client, bob):
    client.force_login(bob)
    page = client.get(reverse("mfa_activate_totp"))
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    secret = page.context["form"].secret
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_at(secret=secret)})
    assert answer.url == reverse("mfa_view_recovery_codes")
    assert secret not in str(Authenticator.objects.values("data"))  # encrypted
    assert AuditEntry.objects.get(kind="user").data == {"what": "authenticator app set up"}


def test_password_alone_is_not_enough_with_an_app(bob):
    give_app(bob)
    client = send_password(bob)
    assert not is_logged_in(client)
    assert send_code(client, "000000").status_code == 200 and not is_logged_in(client)
    assert send_code(client, code_at()).status_code == 302 and is_logged_in(client)


def test_code_is_used_once_even_after_the_cache_was_flushed(bob):
    give_app(bob)
    code = code_at()
    assert send_code(send_password(bob), code).status_code == 302
    cache.clear()
    client = send_password(bob)
    assert send_code(client, code).status_code == 200 and not is_logged_in(client)
    assert send_code(client, code_at(-1)).status_code == 200  # nor an older one
    assert send_code(client, code_at(1)).status_code == 302


def test_codes_work_while_the_cache_is_dead(bob, dead_cache):
    give_app(bob)
    client = send_password(bob)
    assert send_code(client, code_at()).status_code == 302


def test_five_wrong_codes_lock_the_second_factor(bob):
    give_app(bob)
    client = send_password(bob)
    for _try in range(5):
        send_code(client, "000000")
    cache.clear()
    assert send_code(client, code_at()).status_code == 200 and not is_logged_in(client)


def test_recovery_code_works_once(bob):
    give_app(bob)
    codes = Authenticator.objects.get(user=bob, type="recovery_codes").wrap().get_unused_codes()
    assert send_code(send_password(bob), codes[0]).status_code == 302
    assert send_code(send_password(bob), codes[0]).status_code == 200


def test_recovery_codes_are_shown_and_downloaded_after_a_recent_log_in(client, bob):
    give_app(bob)
    client.force_login(bob)
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    codes = re.findall(r"<code>(\d{8})</code>", page)
    assert len(codes) == 10
    file = client.get(reverse("mfa_download_recovery_codes"))
    assert codes[0] in file.content.decode() and "attachment" in file["Content-Disposition"]
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    assert "reauthenticate" in client.get(reverse("mfa_view_recovery_codes")).url


@pytest.mark.parametrize(("rule", "is_led"), [("nobody", False), ("agents", True)])
def test_rule_leads_an_agent_to_the_set_up_after_log_in(bob, rule, is_led):
    require(rule)
    client = send_password(bob)
    answer = client.get(reverse("dashboard"))
    assert (answer.status_code == 302) == is_led
    if is_led:
        assert answer.url == reverse("mfa_index")
        assert "requires a second factor" in client.get(answer.url).content.decode()
        fragment = client.get(reverse("live"), headers={"hx-request": "true"})
        assert fragment.status_code == 403 and fragment["HX-Redirect"] == answer.url
        assert client.post(reverse("create-ticket"), {"subject": "x"}).url == answer.url


def test_agent_works_once_the_required_factor_is_set_up(bob):
    require("agents")
    client = send_password(bob)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code_at(secret=secret)})
    assert client.get(reverse("dashboard")).status_code == 200


def test_rule_for_agents_leaves_customers_alone(alice):
    require("agents")
    assert is_logged_in(send_password(alice))
    require("everybody")
    assert not is_logged_in(send_password(alice))


def test_last_required_factor_cannot_be_removed(client, bob):
    require("agents")
    give_app(bob)
    client.force_login(bob)
    page = client.post(reverse("mfa_deactivate_totp"))
    assert page.status_code == 200 and "Add another one" in page.content.decode()
    assert Authenticator.objects.filter(user=bob, type="totp").exists()


def test_admin_resets_the_second_factor_of_a_colleague(dan_client, bob, settings):
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "localhost", "desk@example.org"
    give_app(bob)
    there = Client()
    there.force_login(bob)
    assert dan_client.post(reverse("reset-second-factor", args=[bob.pk])).status_code == 302
    assert is_logged_in(send_password(bob)) and not is_logged_in(there)
    entry = AuditEntry.objects.get(kind="user", subject_id=bob.pk)
    assert entry.data == {"what": "second factor reset"} and entry.actor.email == "dan@example.org"
    assert "reset" in OutgoingEmail.objects.get(to=bob.email).body


def test_agent_cannot_reset_a_second_factor(client, bob, frank):
    give_app(bob)
    client.force_login(frank)
    assert client.post(reverse("reset-second-factor", args=[bob.pk])).status_code == 403
    with pytest.raises(Exception, match="Only administrators"):
        services.reset_second_factor(person=bob, by=frank)


def test_operator_resets_the_second_factor_of_the_last_admin(dan, capsys):
    give_app(dan)
    call_command("reset_mfa", "DAN@example.org")
    assert is_logged_in(send_password(dan))
    assert AuditEntry.objects.get(kind="user").actor_name == "Skerry"


def test_unconfirmed_log_in_cannot_be_locked_with_a_second_factor(client, alice):
    User.objects.filter(pk=alice.pk).update(email_confirmed_at=None)
    client.force_login(alice)
    assert client.get(reverse("mfa_activate_totp")).url == reverse("mfa_index")


def test_wrong_code_is_recorded(bob):
    give_app(bob)
    send_code(send_password(bob), "000000")
    assert LoginAttempt.objects.get(is_successful=False).name == bob.email


@pytest.mark.parametrize(
    ("host", "is_https", "is_possible"),
    [
        ("localhost", False, True),
        ("desk.example", True, True),
        ("desk.example", False, False),
        ("127.0.0.1", False, False),
        ("192.0.2.7", True, False),
    ],
)
def test_page_says_where_keys_cannot_be_used(client, bob, settings, host, is_https, is_possible):
    settings.ALLOWED_HOSTS = [host]
    client.force_login(bob)
    page = client.get(reverse("mfa_index"), headers={"host": host}, secure=is_https)
    text = page.content.decode()
    assert (reverse("mfa_add_webauthn") in text) == is_possible
    assert ("HTTPS addresses with a name" in text) != is_possible
    assert client.get(reverse("mfa_add_webauthn"), headers={"host": host}, secure=is_https)


def test_damaged_answer_of_a_key_is_refused(client, bob):
    client.force_login(bob)
    for credential in ("", "{}", "[]", '{"id": "x"}', "nul"):
        answer = client.post(reverse("mfa_add_webauthn"), {"credential": credential})
        assert answer.status_code in (200, 302) and not Authenticator.objects.exists()


def test_damaged_answer_of_a_passkey_logs_nobody_in(client, bob):
    for credential in ("", "{}", "[]", '{"id": "x", "response": {"userHandle": "MQ"}}', "nul"):
        answer = client.post(reverse("mfa_login_webauthn"), {"credential": credential})
        assert answer.status_code == 302 and not is_logged_in(client), credential
