"""Rights of the application's database role on the tables, which belong to the owner's role.

Web and worker connect as ``settings.DATABASE_ROLE``. It reads and writes rows, but it may not
change rows of append-only tables, empty or alter tables, or switch triggers off. Commands that
change the schema connect as the owner (``DATABASE_OWNER_URL``). See decision 23.
"""

from django.apps import apps
from django.conf import settings
from django.core.management import CommandError
from django.db import connection, transaction
from psycopg import sql

from appliance.core.models import AppendOnlyModel, AuditSeal

# Tables that only migrations and functions of the owner write.
READ_ONLY_TABLES = ("django_migrations", AuditSeal._meta.db_table)
OWNED_RELATIONS_SQL = """
SELECT relname, relkind = 'S' FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
  AND relowner = current_user::regrole
"""
OTHER_OWNERS_SQL = """
SELECT tableowner FROM pg_tables
WHERE schemaname = 'public' AND tableowner <> current_user LIMIT 1
"""


def is_owner() -> bool:
    """Return whether this process connects as the owner of the application's tables."""
    return bool(settings.DATABASE_OWNER_URL) and _current_role() != settings.DATABASE_ROLE


@transaction.atomic
def grant_rights() -> None:
    """Give the application's role its rights on all tables. Does nothing with a single role.

    Call it after a change of the schema, connected as the owner.
    """
    if not is_owner():
        return
    _ensure_owner()
    with connection.cursor() as cursor:
        cursor.execute(OWNED_RELATIONS_SQL)
        relations = cursor.fetchall()
        for name, is_sequence in relations:
            for statement in _statements(name, is_sequence=is_sequence):
                cursor.execute(statement.as_string(connection.connection))


def append_only_tables() -> set[str]:
    """Return the tables of which the application may read and add rows, and nothing else."""
    return {
        model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnlyModel)
    }


def _statements(name: str, *, is_sequence: bool) -> list[sql.Composed]:
    kind = sql.SQL("SEQUENCE" if is_sequence else "TABLE")
    target = {"kind": kind, "name": sql.Identifier("public", name)}
    role = sql.Identifier(settings.DATABASE_ROLE)
    rights = sql.SQL("USAGE, SELECT" if is_sequence else _table_rights(name))
    return [
        sql.SQL("REVOKE ALL ON {kind} {name} FROM {role}").format(role=role, **target),
        sql.SQL("GRANT {rights} ON {kind} {name} TO {role}").format(
            rights=rights, role=role, **target
        ),
    ]


def _table_rights(name: str) -> str:
    if name in READ_ONLY_TABLES:
        return "SELECT"
    if name in append_only_tables():
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE, DELETE"


def _ensure_owner() -> None:
    """Refuse a database whose tables still belong to another role, such as the application's."""
    with connection.cursor() as cursor:
        cursor.execute(OTHER_OWNERS_SQL)
        other = cursor.fetchone()
        if not other:
            cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            return
    owner = _current_role()
    raise CommandError(
        f"Tables of this database belong to {other[0]}, not to {owner}, whom DATABASE_OWNER_URL "
        "names. As a superuser run in this database: "
        f"REASSIGN OWNED BY {other[0]} TO {owner};"
    )


def _current_role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]
