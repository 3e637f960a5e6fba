"""Password hashing, tokens of secret links, and rate limits for visitors without an account."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import RateLimitHit
from appliance.core.errors import BadInputError

RATE_LIMIT_WINDOW = timedelta(hours=1)
# Forms an hour, by scope. A ward or an office may share one address.
RATE_LIMITS = {"register": 20, "ask": 20, "answer": 60, "vote": 60, "confirm": 10}


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters (19 MiB, two passes, one lane).

    Django's default takes several times the CPU, too much for two cores when a shift begins.
    """

    time_cost = 2
    memory_cost = 19456
    parallelism = 1


def generate_token() -> str:
    """Return 256 random bits, safe in a URL. Only its hash is stored."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the SHA-256 in hex; a random token needs no slow hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def check_rate_limit(*, scope: str, ip_address: str) -> None:
    """Count one form sent; raises BadInputError beyond the limit of ``scope`` in an hour.

    Hits are kept in PostgreSQL, so that flushing the cache resets no limit. Call it outside the
    transaction of the form: a form that is refused later counts as well.
    """
    now = timezone.now()
    RateLimitHit.objects.filter(created_at__lt=now - RATE_LIMIT_WINDOW).delete()
    hits = RateLimitHit.objects.filter(scope=scope, ip_address=ip_address)
    if hits.count() >= RATE_LIMITS[scope]:
        raise BadInputError(
            _("Too many requests from this address in the last hour. Try again later or call us.")
        )
    RateLimitHit.objects.create(scope=scope, ip_address=ip_address, created_at=now)
