"""Test databases are copies of one migrated template, so a run does not repeat the migrations."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from unittest.mock import patch

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase
from psycopg import sql

from appliance.core.database_rights import READ_ONLY_TABLES, append_only_tables

CODE = Path(__file__).resolve().parent.parent
TEMPLATE_PREFIX, COPY_PREFIX = "skerry_template_", "test_skerry_"
SQL_OF_MIGRATIONS = ("triggers", "functions", "audit_chain", "search_vectors")
WITH_DELETE_TRIGGER_SQL = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 8 > 0
"""
UNCHANGED = {"django_content_type", "auth_permission", "django_migrations"}  # by tests
TEMPLATE_LOCK = 7_737_001  # workers of one run wait until the first has created the template


def template_name() -> str:
    """Return a name that changes with every migration and with the packages that bring some."""
    digest = hashlib.sha256()
    for package in ("django", "procrastinate", "django-allauth"):
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    sources = [
        *CODE.glob("appliance/*/migrations/*.py"),
        *(path for name in SQL_OF_MIGRATIONS for path in CODE.glob(f"appliance/*/sql/{name}.sql")),
    ]
    for path in sorted(sources):
        digest.update(str(path.relative_to(CODE)).encode() + path.read_bytes())
    return TEMPLATE_PREFIX + digest.hexdigest()[:16]


def maintenance_connection() -> psycopg.Connection:
    """Connect to the database of the settings, outside Django: it can create and drop others."""
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    return psycopg.connect(
        **{name: parameters[name] for name in names if name in parameters}, autocommit=True
    )


def ensure_template(server: psycopg.Connection) -> str:
    """Return the name of the migrated template; create it if the migrations are new."""
    name = template_name()
    server.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
    try:
        if name not in databases(server, TEMPLATE_PREFIX):
            _create_template(server, name)
    finally:
        server.execute("SELECT pg_advisory_unlock(%s)", [TEMPLATE_LOCK])
    return name


def _create_template(server: psycopg.Connection, name: str) -> None:
    for outdated in databases(server, TEMPLATE_PREFIX):
        drop(server, outdated)
    unfinished = f"{name}_new"
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    use(unfinished)
    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:  # tests of query plans analyse tables
        tables = {*connection.introspection.table_names(cursor)}
        tables -= {*append_only_tables(), *READ_ONLY_TABLES}
        for table in sorted(tables):
            cursor.execute(
                sql.SQL("GRANT MAINTAIN ON {} TO {}")
                .format(sql.Identifier(table), sql.Identifier(settings.DATABASE_ROLE))
                .as_string(connection.connection)
            )
    connection.close()
    server.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(unfinished), sql.Identifier(name)
        )
    )


def databases(server: psycopg.Connection, prefix: str) -> list[str]:
    """Return the names of the databases with this prefix."""
    cursor = server.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
    )
    return [name for (name,) in cursor.fetchall()]


def drop(server: psycopg.Connection, name: str) -> None:
    """Drop a database, ending its connections."""
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name)))


def use(name: str) -> None:
    """Point Django's connection at another database of the same server."""
    connection.close()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


@contextmanager
def acting_as_application() -> Iterator[None]:
    """Let Django act with the rights of web and worker, except to empty tables after a test."""
    settings_dict = connection.settings_dict
    with patch.object(TransactionTestCase, "_fixture_teardown", lambda case: empty_tables()):
        settings_dict["OPTIONS"]["assume_role"] = settings.DATABASE_ROLE
        connection.close()
        yield
        del settings_dict["OPTIONS"]["assume_role"]
        connection.close()


def empty_tables() -> None:
    """Delete all rows but content types and permissions, as after the migrations.

    Django's own way truncates every table and then grants rights and writes permissions again,
    which takes longer than most tests. The locks wait, as TRUNCATE would, for threads that still
    write. Tables with triggers on DELETE, such as append-only ones, are truncated.
    """
    tables = {*connection.introspection.django_table_names(only_existing=True)} - UNCHANGED
    filled = " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM {t})" for t in tables)
    with transaction.atomic(), acting_as_owner() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(sorted(tables))}")
        cursor.execute(filled)
        filled_tables = {name for (name,) in cursor.fetchall()}
        cursor.execute(WITH_DELETE_TRIGGER_SQL)
        truncated = filled_tables & {name for (name,) in cursor.fetchall()}
        if truncated:
            cursor.execute(f"TRUNCATE {', '.join(truncated)} CASCADE")
        for name in filled_tables - truncated:
            cursor.execute(f"DELETE FROM {name}")


@contextmanager
def acting_as_owner() -> Iterator[CursorWrapper]:
    """Let Django's connection change the schema inside the block; yield a cursor."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        yield cursor
        cursor.execute(f"SET ROLE {connection.ops.quote_name(settings.DATABASE_ROLE)}")


def copy_of_template(name: str) -> Iterator[None]:
    """Work in a fresh copy of the template; dropped at the end."""
    with maintenance_connection() as server:
        template = ensure_template(server)
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        original = connection.settings_dict["NAME"]
        use(name)
        with acting_as_application():
            yield
        use(original)
        drop(server, name)
