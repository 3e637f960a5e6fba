"""What the database role of web and worker may do."""

import pytest
from django.db import ProgrammingError, connection, transaction

from appliance.core import database_rights
from appliance.core.database_rights import append_only_tables
from appliance.core.models import AuditEntry

pytestmark = pytest.mark.django_db
APPEND_ONLY = {
    "core_auditcheck",
    "core_auditentry",
    "knowledge_articleversion",
    "model_updates_updateevent",
    "tickets_event",
}
REFUSED = r"permission denied|must be owner"


def run(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_append_only_tables_are_those_with_a_trigger():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname ~ 'append_only'"
        )
        assert {table for (table,) in cursor.fetchall()} == APPEND_ONLY | {"core_auditseal"}
    assert append_only_tables() == APPEND_ONLY


@pytest.mark.parametrize("table", sorted(APPEND_ONLY | {"core_auditseal", "django_migrations"}))
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {0} SET {1} = {1}",
        "DELETE FROM {0}",
        "TRUNCATE {0} CASCADE",
        "ALTER TABLE {0} DISABLE TRIGGER ALL",
        "ALTER TABLE {0} OWNER TO current_user",
        "ALTER TABLE {0} RENAME TO other",
        "DROP TABLE {0} CASCADE",
        "CREATE TRIGGER mine BEFORE INSERT ON {0} EXECUTE FUNCTION triage_queue_ticket()",
        "CREATE RULE mine AS ON INSERT TO {0} DO INSTEAD NOTHING",
        "LOCK TABLE {0} IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_application_cannot_change_append_only_rows(table, statement):
    column = "position" if table == "core_auditseal" else "id"
    with pytest.raises(ProgrammingError, match=REFUSED):
        run("SET LOCAL skerry.anonymising = 'yes'", statement.format(table, column))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO core_auditseal (entry_id, salts, digests) VALUES (1, '{}', '{}')",
        "SELECT core_add_audit_seal(NULL)",
        "CREATE TABLE mine ()",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION skerry_is_only_emptied(before jsonb, after jsonb)"
        " RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "DROP FUNCTION core_seal_new_audit_entry() CASCADE",
        "SET session_replication_role = 'replica'",
        "ALTER DATABASE skerry SET skerry.anonymising = 'yes'",
        "ALTER ROLE skerry SUPERUSER",
        "SET ROLE postgres",
    ],
)
def test_application_cannot_get_around_its_rights(statement):
    with pytest.raises(ProgrammingError, match=REFUSED + "|already exists"):
        run(statement)


def test_new_table_gets_its_rights_when_they_are_granted(acting_as_owner):
    with acting_as_owner():
        run("CREATE TABLE of_the_next_version (id int)")
        database_rights.grant_rights()
    run("INSERT INTO of_the_next_version VALUES (1)", "DELETE FROM of_the_next_version")


def test_application_adds_and_reads_entries(dan):
    AuditEntry.objects.create(actor=dan, actor_name="Dan", verb="changed", kind="tag", subject="a")
    assert AuditEntry.objects.get(kind="tag").actor == dan


def test_table_of_another_owner_is_named_with_the_remedy(acting_as_owner, monkeypatch):
    monkeypatch.setattr(database_rights, "OTHER_OWNERS_SQL", "SELECT 'skerry'")
    with (
        acting_as_owner(),
        pytest.raises(Exception, match="REASSIGN OWNED BY skerry TO skerry_owner"),
    ):
        database_rights.grant_rights()
