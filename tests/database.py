"""Test databases are copies of one migrated template, so a run does not repeat the migrations."""

import hashlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

CODE = Path(__file__).resolve().parent.parent
TEMPLATE_PREFIX, COPY_PREFIX = "skerry_template_", "test_skerry_"
TEMPLATE_LOCK = 7_737_001  # workers of one run wait until the first has created the template


def template_name() -> str:
    """Return a name that changes with every migration and with the packages that bring some."""
    digest = hashlib.sha256()
    for package in ("django", "procrastinate", "django-axes"):
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    sources = [
        *CODE.glob("appliance/*/migrations/*.py"),
        *CODE.glob("appliance/*/sql/triggers.sql"),
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
        yield
        use(original)
        drop(server, name)
