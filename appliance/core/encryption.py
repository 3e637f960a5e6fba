"""Secrets that are kept in the database, encrypted with a key derived from ``SECRET_KEY``.

A copy of the database alone does not reveal the password of a mailbox or a directory.
"""

import base64
import functools
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models


def encrypt(text: str) -> str:
    """Return the text encrypted and authenticated; an empty text stays empty."""
    return _cipher(settings.SECRET_KEY).encrypt(text.encode()).decode() if text else ""


def decrypt(token: str) -> str:
    """Return the text of a token of ``encrypt``.

    Empty if it cannot be read, because ``SECRET_KEY`` was replaced: whoever uses the secret
    reports that it is missing, and an admin enters it again.
    """
    try:
        return _cipher(settings.SECRET_KEY).decrypt(token.encode()).decode() if token else ""
    except InvalidToken:
        return ""


@functools.lru_cache(maxsize=2)
def _cipher(secret_key: str) -> Fernet:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"skerry database secrets")
    return Fernet(base64.urlsafe_b64encode(derivation.derive(secret_key.encode())))


class EncryptedTextField(models.TextField):
    """A text that the database holds encrypted; it cannot be searched or compared there."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(super().get_prep_value(value) or "")

    def from_db_value(self, value: str | None, *arguments: object) -> str:
        return decrypt(value or "")
