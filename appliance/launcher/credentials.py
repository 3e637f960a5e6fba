"""The secrets of the box: made once, 0600, never on a command line and never in a log."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from urllib.parse import quote

from appliance.launcher.errors import LauncherError
from appliance.launcher.files import ensure_content, read_text, write_private
from appliance.launcher.layout import Installation

NAMES = ("secret_key", "superuser_password", "database_password", "cache_password", "supervisor")
GIVEN = {"DATABASE_PASSWORD": "database_password", "REDIS_PASSWORD": "cache_password"}
SCRAM_ROUNDS = 4096


def ensure_secrets(installation: Installation) -> None:
    """Every secret exists, and the two addresses made of them are current."""
    _take_given(installation)
    for name in NAMES:
        if read_text(installation.secrets / name):
            continue
        if (installation.cluster / "PG_VERSION").exists() and name in (
            "secret_key",
            "superuser_password",
        ):
            raise LauncherError(
                f"{installation.secrets / name} is missing although the desk has data: put the "
                "secrets "
                "directory back from a backup."
            )
        write_private(installation.secrets / name, secrets.token_urlsafe(48))
    where = quote(str(installation.sockets), safe="")
    ensure_content(
        installation.secrets / "database_url",
        f"postgresql://skerry:{read(installation, 'database_password')}@/skerry?host={where}",
    )
    ensure_content(
        installation.secrets / "redis_url",
        f"unix://skerry:{read(installation, 'cache_password')}"
        f"@{quote(str(installation.sockets))}/valkey.sock?db=0",
    )


def _take_given(installation: Installation) -> None:
    """The passwords an operator chose for servers that other machines of the site use."""
    for variable, name in GIVEN.items():
        if value := _from_environment(variable):
            ensure_content(installation.secrets / name, value)


def _from_environment(variable: str) -> str:
    if not (path := os.environ.get(f"{variable}_FILE")):
        return os.environ.get(variable, "").strip()
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise LauncherError(f"{variable}_FILE names {path}: {error.strerror}.") from error


def read(installation: Installation, name: str) -> str:
    """One secret; the caller keeps it off command lines and out of logs."""
    return (read_text(installation.secrets / name) or "").strip()


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores for a password, so that no SQL ever carries the password itself."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{parts[0]}${parts[1]}:{parts[2]}"
