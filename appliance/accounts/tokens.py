"""Secrets that travel in links: only their hash is stored."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """SHA-256 in hex. A random token needs no slow hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
