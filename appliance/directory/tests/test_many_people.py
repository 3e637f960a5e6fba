"""A directory of 5,000 people: pages of 1,000, few statements, and seconds instead of minutes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appliance.accounts.models import Customer, User
from appliance.directory import services
from appliance.directory.models import SyncRun
from appliance.directory.tests.conftest import sync
from tests import slapd
from tests.slapd import group_dn, group_ldif, person_dn, person_ldif

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PEOPLE, AGENTS = 5000, 200
MAX_STATEMENTS = {"first sync": 180, "second sync": 140, "new department": 150, "check": 20}


@contextmanager
def measured(name: str) -> Iterator[None]:
    started_at, cpu = time.monotonic(), time.process_time()
    with CaptureQueriesContext(connection) as statements:
        yield
    seconds, cpu = time.monotonic() - started_at, time.process_time() - cpu
    print(f"{name}: {seconds:.1f} s ({cpu:.1f} s CPU), {len(statements)} statements")
    assert len(statements) <= MAX_STATEMENTS[name]


def test_five_thousand_people_are_kept_in_step_with_few_statements(tmp_path, dan):
    ldif = "".join(
        person_ldif(
            f"p{n}",
            f"Pat{n}",
            "Person",
            telephoneNumber=str(n),
            departmentNumber="Old",
            manager=person_dn(f"p{n // 10}"),
        )
        for n in range(PEOPLE)
    )
    ldif += group_ldif("agents", [person_dn(f"p{n}") for n in range(AGENTS)])
    with slapd.run_slapd(tmp_path, ldif) as server:
        directory = services.add_directory(by=dan, **server.settings())
        services.add_mapping(
            directory=directory, by=dan, group_dn=group_dn("agents"), role="agent", teams=[]
        )
        with measured("first sync"):
            run = sync(directory, dan)
        assert (run.total, run.counts["new"], run.state) == (PEOPLE, PEOPLE, "done")
        assert User.objects.filter(role="agent", is_from_directory=True).count() == AGENTS
        with measured("second sync"):
            assert sync(directory, dan).counts == {"unchanged": PEOPLE}
        with measured("check"):
            services.check_accounts()
        with server.as_root() as ldap:
            for n in range(100):
                ldap.modify(person_dn(f"p{n}"), {"departmentNumber": [("MODIFY_REPLACE", ["New"])]})
        with measured("new department"):
            assert sync(directory, dan).counts["changed"] == 100
    assert Customer.objects.filter(department="New", manager__isnull=False).count() == 100
    assert SyncRun.objects.filter(kind="access").count() == 0
