"""System checks of the database and cache servers: ``manage check --database default``.

A start prints them as warnings and goes on.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connection

OWNS_TABLES_SQL = """
SELECT pg_has_role(%s, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('core_auditentry')
"""


@register(Tags.database)
def check_database_role(
    *, databases: Sequence[str] | None = None, **options: object
) -> list[CheckMessage]:
    """Warn when web and worker could empty the audit log or switch its triggers off."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        role = settings.DATABASE_ROLE or cursor.fetchone()[0]
        cursor.execute(OWNS_TABLES_SQL, [role])
        row = cursor.fetchone()
    if not row or not row[0]:
        return []
    return [
        Warning(
            f"The database role {role} owns the tables, so the audit log is not protected from it.",
            hint="Give the tables to a second role and set DATABASE_OWNER_URL: docs/operating.md, "
            "“External servers and several machines”.",
            id="core.W001",
        )
    ]


@register(Tags.database)
def check_cache_encryption(
    *, databases: Sequence[str] | None = None, **options: object
) -> list[CheckMessage]:
    """Warn when cached values cross a network unencrypted."""
    parts = urlsplit(settings.REDIS_URL)
    if not databases or parts.scheme != "redis" or _is_this_machine(parts.hostname or ""):
        return []
    return [
        Warning(
            f"The connection to the cache on {parts.hostname} is not encrypted.",
            hint="Use a rediss:// URL, unless nobody else can read that network.",
            id="core.W002",
        )
    ]


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")
