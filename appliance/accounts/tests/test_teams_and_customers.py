"""Teams, organisations, customers and the site settings."""

import pytest
from django.http import Http404

from appliance.accounts import queries, services
from appliance.accounts.models import Customer, Membership, Organisation, Right
from appliance.accounts.permissions import has_right
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry, SiteSettings


@pytest.fixture
def ward(dan) -> Organisation:
    return services.add_organisation(by=dan, name="Ward 3")


@pytest.fixture
def pia(dan) -> Customer:
    return services.add_customer_as_agent(by=dan, email="pia@example.org", first_name="Pia")


def change_customer(customer: Customer, by, **fields: object) -> None:
    names = ("email", "first_name", "last_name", "organisation", "is_premium")
    values = {name: getattr(customer, name) for name in names} | fields
    services.change_customer(customer=customer, by=by, **values)


# --- teams


def test_team_gets_members_and_rights(dan, bob):
    team = services.add_team(by=dan, name="Nets", rights=["merge"], members=[bob])
    services.change_team(
        team=team,
        by=dan,
        name="Networks",
        description="",
        is_closed=True,
        rights=["reports", "merge"],
        members=[dan],
    )
    assert list(Membership.objects.values_list("user", flat=True)) == [dan.pk]
    assert (team.name, team.rights) == ("Networks", ["merge", "reports"])
    assert AuditEntry.objects.first().data == {"added": [str(dan)], "removed": [str(bob)]}


def test_rights_of_a_team_end_when_it_is_deactivated(dan, bob, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        services.update_site_settings(by=dan, agent_rights=[])
        team = services.add_team(by=dan, name="Nets", rights=["merge"], members=[bob])
    assert has_right(bob, Right.MERGE) and not has_right(bob, Right.REPORTS)
    with django_capture_on_commit_callbacks(execute=True):
        services.deactivate_team(team=team, by=dan)
    assert not has_right(bob, Right.MERGE)


@pytest.mark.parametrize(
    ("fields", "field"), [({"name": "NETS"}, "name"), ({"rights": ["root"]}, "rights")]
)
def test_invalid_team_is_rejected(dan, fields, field):
    services.add_team(by=dan, name="Nets")
    with pytest.raises(BadInputError) as error:
        services.add_team(by=dan, **{"name": "Other"} | fields)
    assert error.value.field == field


def test_customer_cannot_be_in_a_team(dan, alice):
    with pytest.raises(BadInputError, match="Alice"):
        services.add_team(by=dan, name="Nets", members=[alice])


# --- organisations and customers


def test_merging_organisations_moves_the_customers(dan, ward, pia):
    other = services.add_organisation(by=dan, name="Ward III")
    change_customer(pia, dan, organisation=other)
    services.merge_organisations(source=other, target=ward, by=dan)
    pia.refresh_from_db()
    assert pia.organisation == ward and Organisation.objects.count() == 1


def test_organisation_with_customers_is_not_removed(dan, ward, pia):
    change_customer(pia, dan, organisation=ward)
    with pytest.raises(BadInputError, match="has customers"):
        services.remove_organisation(organisation=ward, by=dan)
    change_customer(pia, dan, organisation=None)
    services.remove_organisation(organisation=ward, by=dan)
    assert not Organisation.objects.exists()


def test_agents_edit_customers_only_with_the_right(
    dan, bob, pia, django_capture_on_commit_callbacks
):
    change_customer(pia, bob, first_name="Pina")
    assert queries.access_customer(bob, pia.pk) == pia
    with django_capture_on_commit_callbacks(execute=True):
        services.update_site_settings(by=dan, agent_rights=[])
    with pytest.raises(ForbiddenError):
        change_customer(pia, bob, first_name="Pia")
    with pytest.raises(Http404):
        queries.access_customer(bob, pia.pk)


def test_customers_see_no_list_of_customers(alice, pia, ward):
    assert not queries.list_customers(alice) and not queries.list_organisations(alice)


def test_customer_known_by_e_mail_gets_a_user(dan, pia):
    token = services.create_login(customer=pia, by=dan)
    person = services.set_password_with_token(token=token, password="a boat alone in the sea")
    pia.refresh_from_db()
    assert pia.user == person and person.email == pia.email


def test_user_of_another_customer_cannot_be_linked(dan, pia, alice):
    with pytest.raises(BadInputError, match="another customer"):
        services.link_customer(customer=pia, person=alice, by=dan)


# --- site settings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("language", "xx"),
        ("time_zone", "Mars/Base"),
        ("close_solved_after_days", 0),
        ("max_attachment_mb", 0),
        ("max_attachment_mb", 10_000),
        ("agent_rights", ["root"]),
    ],
)
def test_invalid_site_setting_names_its_field(dan, field, value):
    with pytest.raises(BadInputError) as error:
        services.update_site_settings(by=dan, **{field: value})
    assert error.value.field == field


def test_changed_site_setting_is_recorded_with_its_old_value(dan):
    services.update_site_settings(by=dan, name="St. B", close_solved_after_days=None)
    assert core_queries.site_settings().name == "St. B"
    data = AuditEntry.objects.get(kind="site settings").data
    assert data["close_solved_after_days"] == {"from": 7, "to": None}
    services.update_site_settings(by=dan, name="St. B")
    assert (
        AuditEntry.objects.filter(kind="site settings").count() == 1
        and SiteSettings.objects.count() == 1
    )


def test_undeliverable_address_is_marked_once_and_cleared_by_an_agent(alice, bob):
    services.mark_undeliverable(email="Alice@example.org", reason="550 no such user")
    services.mark_undeliverable(email="alice@example.org", reason="later")
    customer = Customer.objects.get(email="alice@example.org")
    assert customer.undeliverable_since and customer.undeliverable_reason == "550 no such user"
    services.clear_undeliverable(customer=customer, by=bob)
    assert Customer.objects.get(pk=customer.pk).undeliverable_since is None


def test_new_address_of_a_customer_is_not_marked_as_undeliverable(dan):
    customer = services.add_customer(email="old@example.org", first_name="Old")
    services.mark_undeliverable(email="old@example.org", reason="gone")
    customer.refresh_from_db()
    services.change_customer(
        customer=customer,
        by=dan,
        email="new@example.org",
        first_name="Old",
        last_name="",
        organisation=None,
        is_premium=False,
    )
    assert customer.undeliverable_since is None
