"""Preparation of a start: migrations, static files and the first admin."""

import time

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from appliance import env
from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.core import database_rights
from appliance.core.database import session_lock
from appliance.model_updates import services as model_updates_services
from appliance.ops import static_files, web_address
from appliance.web import services as web_services

MIN_PGVECTOR = (0, 8)  # half-precision vectors and iterative index scans


def prepare() -> str | None:
    """Bring database, static files and the first admin up to this version.

    Returns the path of the set-up page as long as there is no admin. Raises CommandError, which
    names the cause and the remedy, when the start cannot continue.
    """
    _wait_for_database(seconds=30)
    if not settings.DEBUG:  # the development server is not deployed
        _check_settings()
    # Two web machines of one site that start at once must not both migrate.
    with session_lock("ops.prepare", wait=True):
        _migrate()
        database_rights.grant_rights()
        model_updates_services.sync_active_json()  # makes active.json match the database
        if settings.SKERRY_ROLE != "worker":  # it may run on another machine, without the URL
            accounts_services.store_site_url(settings.SITE_URL.origin if settings.SITE_URL else "")
        if not settings.DEBUG:
            static_files.ensure_collected()
        return _ensure_admin()


def list_warnings() -> list[str]:
    """Return what is unsafe about the servers and the web address, each with its remedy."""
    messages = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    warnings = [f"{message.msg} {message.hint}" for message in messages]
    return [*warnings, *(web_address.list_problems() if web_address.is_exposed() else [])]


def _check_settings() -> None:
    """Refuse settings that Django warns about, and say what is wrong with each."""
    messages = checks.run_checks(include_deployment_checks=True)
    texts = [
        f"{message.msg} {message.hint or ''}".strip() + f" ({message.id})"
        for message in messages
        if message.is_serious(checks.WARNING) and not message.is_silenced()
    ]
    if texts:
        raise CommandError(f"The settings cannot be used. {' '.join(texts)}")


def _wait_for_database(*, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return connection.ensure_connection()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise CommandError(f"The database does not answer: {error}") from error
            time.sleep(0.2)


def _migrate() -> None:
    executor = MigrationExecutor(connection)
    _check_history(executor)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    _check_extensions()
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except ProgrammingError as error:
        if "extension" not in str(error):
            raise
        raise CommandError(
            "This role may not create the extensions vector and pg_trgm. As a superuser of the "
            "database run: CREATE EXTENSION vector; CREATE EXTENSION pg_trgm;"
        ) from error


def _check_history(executor: MigrationExecutor) -> None:
    """Refuse a database that a newer or unreleased version has migrated."""
    unknown = set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations)
    own_labels = {config.label for config in apps.get_app_configs() if _is_own(config)}
    names = sorted(f"{label}.{name}" for label, name in unknown if label in own_labels)
    if names:
        raise CommandError(
            f"The database has migrations this version does not know, such as {names[0]}. It "
            "belongs to a newer or to an unreleased version of Skerry: start that version, or "
            "start this one with an empty data folder (SKERRY_DATA)."
        )


def _is_own(config: AppConfig) -> bool:
    return config.name.startswith("appliance.")


def _check_extensions() -> None:
    """Refuse a server without pgvector and pg_trgm; only an external one can lack them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, coalesce(installed_version, default_version) "
            "FROM pg_available_extensions WHERE name IN ('vector', 'pg_trgm')"
        )
        versions = dict(cursor.fetchall())
    version = tuple(int(part) for part in versions.get("vector", "0").split("."))
    if version < MIN_PGVECTOR or "pg_trgm" not in versions:
        min_version = ".".join(map(str, MIN_PGVECTOR))
        raise CommandError(
            f"The database server has pgvector {versions.get('vector', 'not at all')} and pg_trgm "
            f"{versions.get('pg_trgm', 'not at all')}. Install pgvector {min_version} or newer and "
            "PostgreSQL's contrib modules on it, or let Skerry run its own server."
        )


def _ensure_admin() -> str | None:
    """Create the admin that the environment names, or return the path of the set-up page."""
    if accounts_queries.has_admin():
        return None
    if email := env.text("SKERRY_ADMIN_EMAIL", ""):
        password = env.text("SKERRY_ADMIN_PASSWORD", "")
        if not password:
            raise CommandError(
                "SKERRY_ADMIN_EMAIL is set, but SKERRY_ADMIN_PASSWORD_FILE does not name a file "
                "with a password in it."
            )
        web_services.set_up_unattended(email=email, password=password)
        return None
    return reverse("setup", args=[accounts_services.create_setup_link()])
