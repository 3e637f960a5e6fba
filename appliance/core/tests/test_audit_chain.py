"""The chain of hashes over the audit log: complete, cheap to extend, and broken by any change."""

import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.accounts.models import User
from appliance.core import audit_chain
from appliance.core.models import AuditCheck, AuditEntry, AuditSeal
from tests.database import acting_as_owner

pytestmark = pytest.mark.django_db


def write(subject: str = "Nets", **fields: object) -> AuditEntry:
    values = {"actor_name": "Dan", "verb": "changed", "kind": "team", "data": {"name": "a"}}
    return AuditEntry.objects.create(subject=subject, **values | fields)


def seal() -> None:
    """Run what a commit runs."""
    connection.check_constraints()


def tamper(sql: str) -> None:
    """Change rows as somebody with all rights would: with the triggers switched off."""
    with acting_as_owner(), connection.cursor() as cursor:
        for table in ("core_auditentry", "core_auditseal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in ("core_auditentry", "core_auditseal"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def entries(db) -> list[AuditEntry]:
    rows = [write(f"Team {number}") for number in range(5)]
    seal()
    return rows


def test_entries_are_sealed_in_their_order(entries):
    seals = AuditSeal.objects.order_by("position").values_list("position", "entry_id")
    assert list(seals) == [(number + 1, entry.pk) for number, entry in enumerate(entries)]
    assert audit_chain.verify().problem == ""


@pytest.mark.parametrize(
    "change",
    [
        "SET subject = 'Mallory'",
        "SET actor_name = 'Mallory'",
        'SET data = \'{"name": "b"}\'',
        "SET verb = 'removed'",
        "SET kind = 'user'",
        "SET subject_id = '7'",
        "SET at = at - interval '1 microsecond'",
        # as anonymising would leave them, but without the entry that records it
        "SET subject = 'Anonymous'",
        "SET data = '{\"name\": null}'",
    ],
)
def test_changed_entry_is_found(entries, change):
    tamper(f"UPDATE core_auditentry {change} WHERE id = {entries[2].pk}")
    verification = audit_chain.verify()
    assert f"entry {entries[2].pk} " in verification.problem
    assert verification.entries == 2


@pytest.mark.parametrize("number", range(4))
def test_removed_entry_is_found(entries, number):
    pk = entries[number].pk
    tamper(f"DELETE FROM core_auditseal WHERE entry_id = {pk}")
    tamper(f"DELETE FROM core_auditentry WHERE id = {pk}")
    problem = audit_chain.verify().problem
    assert problem.startswith(f"Before entry {entries[number + 1].pk} ") and "missing" in problem


def test_removed_end_is_found_by_comparing_with_the_latest_check(entries):
    assert audit_chain.record_check().problem == ""
    pk = entries[-1].pk
    tamper(f"DELETE FROM core_auditseal WHERE entry_id = {pk}")
    tamper(f"DELETE FROM core_auditentry WHERE id = {pk}")
    assert "ends at 4" in audit_chain.verify().problem


def test_chain_written_anew_is_found_by_comparing_with_the_latest_check(entries):
    audit_chain.record_check()
    tamper("DELETE FROM core_auditseal")
    tamper("UPDATE core_auditentry SET subject = 'Mallory'")
    tamper("SELECT core_add_audit_seal(e) FROM core_auditentry AS e")
    assert "latest check" in audit_chain.verify().problem


def test_entry_without_a_seal_is_found(entries):
    tamper(
        "INSERT INTO core_auditentry (at, actor_name, verb, kind, subject, data)"
        " VALUES (now(), 'Dan', 'removed', 'team', 'Nets', '{}')"
    )
    assert "has no seal" in audit_chain.verify().problem


def test_erased_salt_without_an_anonymisation_is_found(entries):
    tamper(f"UPDATE core_auditseal SET salts = salts - 'data' WHERE entry_id = {entries[1].pk}")
    assert "no anonymisation explains it" in audit_chain.verify().problem


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


values = (
    texts | st.booleans() | st.none() | st.integers(-(10**9), 10**9) | st.lists(texts, max_size=3)
)


@settings(max_examples=40, deadline=None, database=None)
@given(subject=texts, name=texts, data=st.dictionaries(texts, values, max_size=4))
def test_any_text_verifies(subject, name, data):
    with transaction.atomic():
        write(subject, actor_name=name, kind=name, subject_id=subject, data=data)
        seal()
        assert audit_chain.verify().problem == ""
        transaction.set_rollback(True)


def test_rolled_back_entry_leaves_no_gap(entries):
    with transaction.atomic():
        write("never")
        transaction.set_rollback(True)
    write("after")
    seal()
    assert audit_chain.verify().entries == 6


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_extend_one_chain():
    def write_several() -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    write()
                    write()
        finally:
            connection.close()

    threads = [threading.Thread(target=write_several) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (audit_chain.verify().problem, AuditSeal.objects.count()) == ("", 80)


@pytest.mark.django_db(transaction=True)
def test_writer_does_not_wait_for_an_open_transaction_that_wrote_first():
    with transaction.atomic():
        write("first")
        other = threading.Thread(target=lambda: (write("second"), connection.close()))
        other.start()
        other.join(timeout=5)
        assert not other.is_alive()
    assert audit_chain.verify().problem == ""


@pytest.mark.django_db(transaction=True)
def test_writer_who_waits_for_a_row_at_the_commit_does_not_hold_the_chain(dan):
    """Otherwise the two would wait for each other: one for the row, one for the chain."""
    is_locked, errors = threading.Event(), []

    def hold_the_row() -> None:
        try:
            with transaction.atomic():
                write("first")
                User.objects.select_for_update().get(pk=dan.pk)
                is_locked.set()
                time.sleep(0.5)
        except OperationalError as error:
            errors.append(error)
        finally:
            connection.close()

    holder = threading.Thread(target=hold_the_row)
    holder.start()
    is_locked.wait(timeout=5)
    with transaction.atomic():
        write("second")
        write("third", actor=dan)  # the foreign key is checked at the commit
    holder.join()
    assert errors == [] and audit_chain.verify().problem == ""


def test_command_prints_the_end_of_the_chain(entries):
    output = StringIO()
    call_command("verify_audit", stdout=output)
    assert f"5 entries, {AuditSeal.objects.get(position=5).sha256}" in output.getvalue()
    assert AuditCheck.objects.get().entries == 5


def test_command_names_the_first_broken_entry_and_fails(entries):
    tamper(f"UPDATE core_auditentry SET subject = 'x' WHERE id >= {entries[3].pk}")
    with pytest.raises(CommandError, match=f"entry {entries[3].pk} ") as failure:
        call_command("verify_audit")
    assert failure.value.returncode == 1
