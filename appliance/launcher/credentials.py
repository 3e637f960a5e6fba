"""The secrets of the box: made once, 0600, never on a command line and never in a log."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from urllib.parse import quote

from appliance.launcher.errors import BoxError
from appliance.launcher.files import ensure_content, read_text, write_private
from appliance.launcher.layout import Box

NAMES = ("secret_key", "superuser_password", "database_password", "cache_password", "supervisor")
GIVEN = {"DATABASE_PASSWORD": "database_password", "REDIS_PASSWORD": "cache_password"}
SCRAM_ROUNDS = 4096


def ensure_secrets(box: Box) -> None:
    """Every secret exists, and the two addresses made of them are current."""
    _take_given(box)
    for name in NAMES:
        if read_text(box.secrets / name):
            continue
        if (box.cluster / "PG_VERSION").exists() and name in ("secret_key", "superuser_password"):
            raise BoxError(
                f"{box.secrets / name} is missing although the desk has data: put the secrets "
                "directory back from a backup."
            )
        write_private(box.secrets / name, secrets.token_urlsafe(48))
    where = quote(str(box.sockets), safe="")
    ensure_content(
        box.secrets / "database_url",
        f"postgresql://skerry:{read(box, 'database_password')}@/skerry?host={where}",
    )
    ensure_content(
        box.secrets / "redis_url",
        f"unix://skerry:{read(box, 'cache_password')}@{quote(str(box.sockets))}/valkey.sock?db=0",
    )


def _take_given(box: Box) -> None:
    """The passwords an operator chose for servers that other machines of the site use."""
    for variable, name in GIVEN.items():
        if given := _given(variable):
            ensure_content(box.secrets / name, given)


def _given(variable: str) -> str:
    if not (path := os.environ.get(f"{variable}_FILE")):
        return os.environ.get(variable, "").strip()
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BoxError(f"{variable}_FILE names {path}: {error.strerror}.") from error


def read(box: Box, name: str) -> str:
    """One secret; the caller keeps it off command lines and out of logs."""
    return (read_text(box.secrets / name) or "").strip()


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores for a password, so that no SQL ever carries the password itself."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{parts[0]}${parts[1]}:{parts[2]}"
