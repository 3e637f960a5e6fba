"""What is peculiar to Active Directory.

slapd serves its attributes through a schema of ours. The matching rule for nested groups only a
domain controller knows: a session that follows it stands in for one.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from appliance.accounts.models import Customer, User
from appliance.directory import services
from appliance.directory.connection import SearchResult
from appliance.directory.entries import Entry, normalise_dn, parse_person
from appliance.directory.groups import IN_CHAIN, list_mappings_of, list_members, member_keys
from appliance.directory.models import Directory, DirectoryLink, GroupMapping
from appliance.directory.tests.conftest import sync
from tests.slapd import group_dn, person_dn, person_ldif

pytestmark = pytest.mark.django_db
GUID = UUID("3f2504e0-4f89-11d3-9a0c-0305e82c3301")
AD = {"objectClass": ["inetOrgPerson", "user"]}


@pytest.fixture
def domain(server, dan) -> Directory:
    """A directory of the kind Active Directory on our slapd."""
    values = {
        "sAMAccountName": "ADAlice",
        "userPrincipalName": "a.ashdown@clinic.example",
        "userAccountControl": "512",
        "department": "Radiology",
        "employeeID": "4711",
        "mail": "alice@clinic.example",
    }
    ldif = person_ldif("adalice", "Alice", "Ashdown", **AD, **values).strip()
    server.load(f"{ldif}\nobjectGUID:: {b64encode(GUID.bytes_le).decode()}\n\n")
    return services.add_directory(
        by=dan, **server.settings(name="Plant", kind="ad", user_filter="(objectClass=user)")
    )


def test_guid_in_bytes_becomes_the_id_that_windows_shows(domain, dan):
    sync(domain, dan)
    link = DirectoryLink.objects.get()
    assert link.entry_id == str(GUID)
    assert (link.login_name, link.customer.staff_number) == ("ADAlice", "4711")


@pytest.mark.parametrize(
    "name", ["adalice", "CLINIC\\ADAlice", "a.ashdown@clinic.example", "alice@clinic.example"]
)
def test_account_name_principal_name_and_address_let_in(domain, name):
    assert services.log_in(name=name, password="adalice-opens-the-door")


def test_disabled_bit_locks_out(domain, server, dan):
    user = services.log_in(name="adalice", password="adalice-opens-the-door")
    server.change(person_dn("adalice"), userAccountControl="514")
    services.check_accounts()
    user.refresh_from_db()
    assert not user.is_active
    assert services.log_in(name="adalice", password="adalice-opens-the-door") is None


@pytest.mark.parametrize(
    ("attributes", "is_disabled"),
    [
        ({"useraccountcontrol": [b"512"]}, False),
        ({"useraccountcontrol": [b"514"]}, True),
        ({"useraccountcontrol": [b"66050"]}, True),  # disabled, password never expires
        ({"accountexpires": [b"0"]}, False),
        ({"accountexpires": [b"9223372036854775807"]}, False),
        ({"accountexpires": [b"131000000000000000"]}, True),  # 2016
        ({"nsaccountlock": [b"TRUE"]}, True),
        ({"nsaccountlock": [b"FALSE"]}, False),
        ({"pwdaccountlockedtime": [b"000001010000Z"]}, True),
        ({"pwdaccountlockedtime": [b"20261129160000Z"]}, False),  # ends by itself
        ({"shadowexpire": [b"1"]}, True),
        ({"shadowexpire": [b"-1"]}, False),
        ({"useraccountcontrol": [b"rubbish"]}, False),
    ],
)
def test_every_products_way_to_disable_is_known(attributes, is_disabled):
    directory = Directory(kind="ad", domains=["clinic.example"])
    entry = parse_person(directory, SearchResult("cn=a", attributes))
    assert entry.is_disabled == is_disabled


class DomainController:
    """A session that answers the filters of nested groups as a domain controller does."""

    def __init__(self, directory: Directory, groups: dict[str, list[str]]) -> None:
        self.directory, self.groups = directory, groups

    def read(
        self, dn: str, attributes: Sequence[str] = (), search_filter: str = "(objectClass=*)"
    ) -> SearchResult | None:
        if IN_CHAIN not in search_filter:
            return SearchResult(dn, {}) if dn in self.groups else None
        is_member = dn in self._below(self._group_of(search_filter))
        return SearchResult(dn, {}) if is_member else None

    def search(
        self, base: str, search_filter: str, attributes: Sequence[str] = ()
    ) -> Iterator[SearchResult]:
        assert self.directory.person_filter in search_filter  # people only
        return (SearchResult(dn, {}) for dn in self._below(self._group_of(search_filter)))

    def _group_of(self, search_filter: str) -> str:
        return search_filter.partition(f"{IN_CHAIN}:=")[2].partition(")")[0]

    def _below(self, group: str) -> set[str]:
        members = set(self.groups.get(group, ()))
        return members.union(*(self._below(dn) for dn in members if dn in self.groups))


def test_nested_groups_are_left_to_the_domain_controller():
    directory = Directory(kind="ad", base_dn="dc=clinic,dc=example")
    groups = {
        group_dn("agents"): [group_dn("nested"), person_dn("bob")],
        group_dn("nested"): [person_dn("alice")],
    }
    session = DomainController(directory, groups)
    mapping = GroupMapping(pk=1, group_dn=group_dn("agents"))
    entries = [Entry(id=name, dn=person_dn(name), is_disabled=False) for name in ("alice", "bob")]
    people = {key: entry.id for entry in entries for key in member_keys(entry)}
    assert list_members(session, mapping, people) == {"alice", "bob"}
    assert list_mappings_of(session, entries[0], [mapping]) == {1}
    stranger = Entry(id="x", dn=person_dn("carol"), is_disabled=False)
    assert list_mappings_of(session, stranger, [mapping]) == set()
    missing = GroupMapping(pk=2, group_dn=group_dn("gone"))
    assert list_mappings_of(session, entries[0], [mapping, missing]) is None


def test_group_names_with_brackets_are_escaped_in_filters():
    directory = Directory(kind="ad", base_dn="dc=clinic,dc=example")
    name = "cn=IT (all)*,dc=clinic,dc=example"

    class Recorder(DomainController):
        def search(self, base, search_filter, attributes=()):
            self.search_filter = search_filter
            return iter(())

    session = Recorder(directory, {name: []})
    list_members(session, GroupMapping(group_dn=name), {})
    assert "IT \\28all\\29\\2a" in session.search_filter


@pytest.mark.parametrize(
    ("dn", "same"),
    [
        ("CN=Bob, OU=People,DC=x", "cn=bob,ou=people,dc=x"),
        (r"cn=M\C3\BCller\2C J,dc=x", "CN=Müller\\, J,DC=X"),
    ],
)
def test_distinguished_names_are_compared_not_their_spelling(dn, same):
    assert normalise_dn(dn) == normalise_dn(same)


def test_several_domains_share_one_desk(domain, directory, dan):
    """The plant's people are in one directory, the clinic's in another with other groups."""
    Directory.objects.filter(pk=domain.pk).update(domains=["plant.example"])
    domain.refresh_from_db()
    run = sync(domain, dan)
    assert run.counts["left out"] == 1  # an address of the clinic is not the plant's to give
    sync(directory, dan)
    assert Customer.objects.filter(email="alice@clinic.example").exists()
    assert User.objects.filter(email="lbob@clinic.example").exists()
