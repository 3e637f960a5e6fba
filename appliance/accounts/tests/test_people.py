"""Those who log in: added, invited, given a role, shut out."""

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


def logged_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def is_logged_in(client: Client) -> bool:
    return client.get(reverse("profile")).status_code == 200


def chooses(client: Client, token: str, password: str = NEW):
    form = {"password": password, "password_again": password}
    return client.post(reverse("set-password", args=[token]), form)


def test_new_person_sets_a_password_by_link_and_is_in(client, eve, dan):
    token = services.invite(person=eve, by=dan)
    assert chooses(client, token).url == reverse("dashboard")
    assert is_logged_in(client)
    eve.refresh_from_db()
    assert eve.check_password(NEW)


def test_link_works_once_and_a_new_one_ends_the_old(client, eve, dan):
    old, new = (services.invite(person=eve, by=dan) for _ in range(2))
    assert chooses(Client(), old).status_code == 404
    assert chooses(Client(), new).status_code == 302
    assert chooses(Client(), new).status_code == 404


def test_link_expires_and_only_its_hash_is_kept(client, eve, dan):
    token = services.invite(person=eve, by=dan)
    assert token not in str(Invitation.objects.values()) + str(AuditEntry.objects.values())
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert chooses(client, token).status_code == 404


def test_weak_password_leaves_the_link_as_good_as_before(client, eve, dan):
    token = services.invite(person=eve, by=dan)
    assert chooses(client, token, "short").status_code == 400
    assert chooses(client, token).status_code == 302


def test_page_of_a_link_is_kept_by_nobody(client, eve, dan):
    answer = client.get(reverse("set-password", args=[services.invite(person=eve, by=dan)]))
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "strict-origin"


def test_deactivated_person_is_out_at_once_and_stays_out_of_old_sessions(bob, dan):
    window = logged_in(bob)
    token = services.invite(person=bob, by=dan)
    services.deactivate(person=bob, by=dan)
    assert not is_logged_in(window)
    assert chooses(Client(), token).status_code == 404
    services.reactivate(person=bob, by=dan)
    assert not is_logged_in(window)
    assert bob.check_password(PASSWORD)


def test_new_role_ends_the_sessions_of_the_old_one(bob, dan):
    window = logged_in(bob)
    services.set_role(person=bob, role=Role.ADMIN, by=dan)
    assert not is_logged_in(window)
    assert bob.is_admin and bob.is_superuser


def test_last_admin_is_neither_demoted_nor_deactivated(dan, eve):
    with pytest.raises(BadInputError, match="last admin"):
        services.set_role(person=dan, role=Role.AGENT, by=dan)
    with pytest.raises(BadInputError, match="last admin"):
        services.deactivate(person=dan, by=dan)
    services.set_role(person=eve, role=Role.ADMIN, by=dan)
    services.set_role(person=dan, role=Role.AGENT, by=dan)
    assert queries.is_last_admin(User.objects.get(pk=eve.pk))


def test_deactivated_admin_does_not_count_as_one(dan, eve):
    services.set_role(person=eve, role=Role.ADMIN, by=dan)
    services.deactivate(person=eve, by=dan)
    assert queries.is_last_admin(dan)


def test_every_change_of_a_person_leaves_a_row(dan, eve):
    services.change_person(
        person=eve, by=dan, email="eva@example.org", first_name="Eva", last_name="Test"
    )
    row = AuditEntry.objects.first()
    assert (row.actor, row.verb, row.kind, row.subject_id) == (dan, "changed", "user", str(eve.pk))
    assert row.data["email"] == {"from": "eve@example.org", "to": "eva@example.org"}


def test_change_that_changes_nothing_leaves_no_row(dan, eve):
    before = AuditEntry.objects.count()
    same = {"email": eve.email, "first_name": eve.first_name, "last_name": eve.last_name}
    services.change_person(person=eve, by=dan, **same)
    assert AuditEntry.objects.count() == before


def test_address_of_somebody_else_is_refused(dan, eve, bob):
    with pytest.raises(BadInputError, match="account already"):
        services.change_person(
            person=eve, by=dan, email="BOB@example.org", first_name="Eve", last_name=""
        )


@pytest.mark.parametrize(
    "verb",
    [
        lambda by, whom: services.add_person(by=by, email="x@example.org", first_name="X"),
        lambda by, whom: services.invite(by=by, person=whom),
        lambda by, whom: services.set_role(by=by, person=by, role=Role.ADMIN),
        lambda by, whom: services.deactivate(by=by, person=whom),
        lambda by, whom: services.update_site_settings(by=by, name="My tickets"),
        lambda by, whom: services.add_team(by=by, name="My tickets"),
    ],
)
def test_only_admins_change_people_and_rules(verb, bob, alice):
    for by in (alice, bob):
        with pytest.raises(ForbiddenError):
            verb(by, alice)


def test_people_are_listed_for_admins_alone(dan, bob, alice):
    assert set(queries.list_people(dan, role="staff")) == {bob, dan}
    assert list(queries.list_people(dan, text="ALI")) == [alice]
    assert list(queries.list_people(bob)) == []
