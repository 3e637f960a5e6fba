"""Users: adding, inviting, roles and deactivation."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from appliance.accounts import queries, services
from appliance.accounts.models import Invitation, Role, User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry
from conftest import PASSWORD

NEW = "another rock in another sea"


@pytest.fixture
def eve(dan) -> User:
    return services.add_person(by=dan, email="eve@example.org", first_name="Eve", role=Role.AGENT)


def log_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def is_logged_in(client: Client) -> bool:
    return client.get(reverse("profile")).status_code == 200


def choose_password(client: Client, token: str, password: str = NEW):
    form = {"password": password, "password_again": password}
    return client.post(reverse("set-password", args=[token]), form)


def test_invited_user_sets_a_password_and_is_logged_in(client, eve, dan):
    token = services.invite(person=eve, by=dan)
    assert choose_password(client, token).url == reverse("dashboard")
    assert is_logged_in(client)
    eve.refresh_from_db()
    assert eve.check_password(NEW)


def test_link_works_once_and_a_new_one_ends_the_old(client, eve, dan):
    old, new = (services.invite(person=eve, by=dan) for _ in range(2))
    assert choose_password(Client(), old).status_code == 404
    assert choose_password(Client(), new).status_code == 302
    assert choose_password(Client(), new).status_code == 404


def test_link_expires_and_only_its_hash_is_stored(client, eve, dan):
    token = services.invite(person=eve, by=dan)
    assert token not in str(Invitation.objects.values()) + str(AuditEntry.objects.values())
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert choose_password(client, token).status_code == 404


def test_weak_password_leaves_the_link_valid(client, eve, dan):
    token = services.invite(person=eve, by=dan)
    assert choose_password(client, token, "short").status_code == 400
    assert choose_password(client, token).status_code == 302


def test_page_of_a_link_is_not_cached_or_indexed(client, eve, dan):
    response = client.get(reverse("set-password", args=[services.invite(person=eve, by=dan)]))
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "strict-origin"


def test_deactivation_ends_sessions_for_good(bob, dan):
    session = log_in(bob)
    token = services.invite(person=bob, by=dan)
    services.deactivate_person(person=bob, by=dan)
    assert not is_logged_in(session)
    assert choose_password(Client(), token).status_code == 404
    services.reactivate_person(person=bob, by=dan)
    assert not is_logged_in(session)
    assert bob.check_password(PASSWORD)


def test_new_role_ends_the_sessions_of_the_old_one(bob, dan):
    session = log_in(bob)
    services.set_role(person=bob, role=Role.ADMIN, by=dan)
    assert not is_logged_in(session)
    assert bob.is_admin and bob.is_superuser


def test_last_admin_is_neither_demoted_nor_deactivated(dan, eve):
    with pytest.raises(BadInputError, match="last admin"):
        services.set_role(person=dan, role=Role.AGENT, by=dan)
    with pytest.raises(BadInputError, match="last admin"):
        services.deactivate_person(person=dan, by=dan)
    services.set_role(person=eve, role=Role.ADMIN, by=dan)
    services.set_role(person=dan, role=Role.AGENT, by=dan)
    assert queries.is_last_admin(User.objects.get(pk=eve.pk))


def test_deactivated_admin_does_not_count_as_one(dan, eve):
    services.set_role(person=eve, role=Role.ADMIN, by=dan)
    services.deactivate_person(person=eve, by=dan)
    assert queries.is_last_admin(dan)


def test_every_change_of_a_user_is_audited(dan, eve):
    services.change_person(
        person=eve, by=dan, email="eva@example.org", first_name="Eva", last_name="Test"
    )
    entry = AuditEntry.objects.first()
    assert (entry.actor, entry.verb, entry.kind, entry.subject_id) == (
        dan,
        "changed",
        "user",
        str(eve.pk),
    )
    assert entry.data["email"] == {"from": "eve@example.org", "to": "eva@example.org"}


def test_change_without_difference_is_not_audited(dan, eve):
    before = AuditEntry.objects.count()
    same = {"email": eve.email, "first_name": eve.first_name, "last_name": eve.last_name}
    services.change_person(person=eve, by=dan, **same)
    assert AuditEntry.objects.count() == before


def test_address_of_another_user_is_rejected(dan, eve, bob):
    with pytest.raises(BadInputError, match="already has an account"):
        services.change_person(
            person=eve, by=dan, email="BOB@example.org", first_name="Eve", last_name=""
        )


@pytest.mark.parametrize(
    "service_call",
    [
        lambda by, person: services.add_person(by=by, email="x@example.org", first_name="X"),
        lambda by, person: services.invite(by=by, person=person),
        lambda by, person: services.set_role(by=by, person=by, role=Role.ADMIN),
        lambda by, person: services.deactivate_person(by=by, person=person),
        lambda by, person: services.update_site_settings(by=by, name="My tickets"),
        lambda by, person: services.add_team(by=by, name="My tickets"),
    ],
)
def test_only_admins_change_users_and_site_settings(service_call, bob, alice):
    for by in (alice, bob):
        with pytest.raises(ForbiddenError):
            service_call(by, alice)


def test_only_admins_list_users(dan, bob, alice):
    assert set(queries.list_people(dan, role="staff")) == {bob, dan}
    assert list(queries.list_people(dan, text="ALI")) == [alice]
    assert list(queries.list_people(bob)) == []
