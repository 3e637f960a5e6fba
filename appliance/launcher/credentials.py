"""Secrets: generated once, in files of mode 0600, never on a command line or in a log."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from urllib.parse import quote

from appliance.launcher.files import ensure_content, read_text, write_private
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError

NAMES = (
    "secret_key",
    "superuser_password",
    "owner_password",
    "database_password",
    "cache_password",
    "supervisor",
)
OPERATOR_PASSWORDS = {
    "DATABASE_OWNER_PASSWORD": "owner_password",
    "DATABASE_PASSWORD": "database_password",
    "REDIS_PASSWORD": "cache_password",
}
SCRAM_ROUNDS = 4096


def ensure_secrets(installation: Installation) -> None:
    """Create missing secrets and update the three URLs that contain them."""
    _store_operator_passwords(installation)
    for name in NAMES:
        if read_text(installation.secrets / name):
            continue
        if (installation.cluster / "PG_VERSION").exists() and name in (
            "secret_key",
            "superuser_password",
        ):
            raise LauncherError(
                f"{installation.secrets / name} is missing although the desk has data: put the "
                "secrets directory back from a backup."
            )
        write_private(installation.secrets / name, secrets.token_urlsafe(48))
    sockets = quote(str(installation.sockets), safe="")
    for role, password, name in (
        ("skerry", "database_password", "database_url"),
        ("skerry_owner", "owner_password", "database_owner_url"),
    ):
        url = f"postgresql://{role}:{read(installation, password)}@/skerry?host={sockets}"
        ensure_content(installation.secrets / name, url)
    ensure_content(
        installation.secrets / "redis_url",
        f"unix://skerry:{read(installation, 'cache_password')}"
        f"@{quote(str(installation.sockets))}/valkey.sock?db=0",
    )


def _store_operator_passwords(installation: Installation) -> None:
    """Store the passwords an operator set for servers that other machines of the site use."""
    for variable, name in OPERATOR_PASSWORDS.items():
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
    """Return one secret; callers must not put it on a command line or into a log."""
    return (read_text(installation.secrets / name) or "").strip()


def scram_verifier(password: str) -> str:
    """Return what PostgreSQL stores for a password, so that SQL never contains the password."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{parts[0]}${parts[1]}:{parts[2]}"
