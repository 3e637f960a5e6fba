"""A real slapd with the cast of the tests: Alice asks, Bob is an agent, Dan administers."""

from collections.abc import Iterator

import pytest

from appliance.accounts.models import User
from appliance.directory import services
from appliance.directory.models import Directory, SyncRun
from tests import slapd
from tests.slapd import Slapd, group_dn, group_ldif, person_dn, person_ldif


def cast_ldif() -> str:
    """Alice with all details, Bob in a group within a group, Eve disabled, and some odd entries."""
    return "".join(
        [
            person_ldif(
                "lalice",
                "Alice",
                "Ashdown",
                telephoneNumber="+44 1632 960001",
                mobile="+44 7700 900001",
                roomNumber="B 2.14",
                departmentNumber="Radiology",
                employeeNumber="4711",
                manager=person_dn("lbob"),
            ),
            person_ldif("lbob", "Bob", "Breton"),
            person_ldif("ldan", "Dan", "Dahl"),
            person_ldif("leve", "Eve", "Evans", shadowExpire="1", **_shadow()),
            person_ldif("lnomail", "Nora", "Nomail", mail=None),
            person_ldif("lforeign", "Fred", "Foreign", mail="fred@elsewhere.example"),
            group_ldif("nested", [person_dn("lbob")]),
            group_ldif("agents", [group_dn("nested"), person_dn("leve")]),
            group_ldif("admins", [person_dn("ldan")]),
        ]
    )


def _shadow() -> dict[str, object]:
    return {"objectClass": ["inetOrgPerson", "shadowAccount"]}


@pytest.fixture
def server(tmp_path) -> Iterator[Slapd]:
    """A server of this test alone, which starts within a quarter of a second."""
    with slapd.run_slapd(tmp_path, cast_ldif()) as running:
        yield running


@pytest.fixture
def directory(server, dan) -> Directory:
    """The directory of the clinic, whose groups decide about agents and admins."""
    directory = services.add_directory(by=dan, **server.settings())
    for group, role in (("agents", "agent"), ("admins", "admin")):
        services.add_mapping(
            directory=directory, by=dan, group_dn=group_dn(group), role=role, teams=[]
        )
    return directory


def sync(directory: Directory, by: User, kind: str = "full") -> SyncRun:
    """Run a sync here and now."""
    run = services.start_run(directory=directory, kind=SyncRun.Kind(kind), by=by)
    return services.carry_out_run(run)
