"""Password hashing, tokens of secret links, and rate limits for visitors and signed-in people."""

import hashlib
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import RateLimitHit, User
from appliance.core.errors import BadInputError, TooManyRequestsError
from appliance.core.sql_files import fetch_rows

PERSON_RATE_MINUTES = 10
MAX_PASSWORD_GUESSES = 5  # of the current password, by somebody who sits at an open session
MAX_LOGIN_NAME_CHARACTERS = 254
TYPING_PER_POST = 40  # previews, drafts and suggestions while somebody writes
RATE_LIMIT_WINDOW = timedelta(hours=1)
# Forms an hour, by scope. A ward or an office may share one address.
RATE_LIMITS = {
    "register": 20,
    "register-to": 3,  # e-mails to one e-mail address
    "ask": 20,
    "answer": 60,
    "vote": 60,
    "confirm": 10,
    "log-in": 100,
}
PERSONAL_NETWORK_BITS = 64  # of IPv6: what one household or machine can choose from


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


def fold_login_name(
    request: HttpRequest | None, credentials: Mapping[str, str] | None = None
) -> str:
    """Return the name under which failed log-ins are counted: equal for all ways to write it.

    django-axes calls this (AXES_USERNAME_CALLABLE).
    """
    names = credentials or (request.POST if request else {})
    name = str(names.get("username") or "")
    for _round in range(2):  # removing a character may let its neighbours combine
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        name = "".join(char for char in name if unicodedata.category(char)[0] not in "CZ")
    return name[:MAX_LOGIN_NAME_CHARACTERS]


def client_address(request: HttpRequest) -> str:
    """Return the address limits count by; of IPv6 the network, which one client can use up.

    REMOTE_ADDR is what the front says (ops/http_server.py). Headers such as X-Forwarded-For are
    never read here: anybody can send them.
    """
    text = request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return text
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address, PERSONAL_NETWORK_BITS), strict=False).network_address)


def count_failed_login(request: HttpRequest) -> None:
    """Count a wrong password of this address, whatever the account; see ``is_login_limited``."""
    RateLimitHit.objects.create(scope="log-in", ip_address=client_address(request))


def is_login_limited(request: HttpRequest) -> bool:
    """Return whether this address has tried too many passwords within an hour, on any accounts."""
    return _is_beyond_limit("log-in", client_address(request))


def check_rate_limit(*, scope: str, ip_address: str) -> None:
    """Count one form sent; raises BadInputError beyond the limit of ``scope`` in an hour.

    Hits are kept in PostgreSQL, so that flushing the cache resets no limit. Call it outside the
    transaction of the form: a form that is refused later counts as well.
    """
    now = timezone.now()
    RateLimitHit.objects.filter(created_at__lt=now - RATE_LIMIT_WINDOW).delete()
    if _is_beyond_limit(scope, ip_address):
        raise BadInputError(
            _("Too many requests from this address in the last hour. Try again later or call us.")
        )
    RateLimitHit.objects.create(scope=scope, ip_address=ip_address, created_at=now)


def _is_beyond_limit(scope: str, address: str) -> bool:
    since = timezone.now() - RATE_LIMIT_WINDOW
    hits = RateLimitHit.objects.filter(scope=scope, ip_address=address, created_at__gt=since)
    return hits.count() >= RATE_LIMITS[scope]


def check_person_rate(
    person: User, *, scope: Literal["posts", "typing", "passwords"] = "posts"
) -> None:
    """Count what a signed-in person sends; raises TooManyRequestsError beyond the limit.

    Counted in PostgreSQL, in one statement. Call it outside the transaction of the form.
    """
    limit = settings.AGENT_POSTS if person.is_agent else settings.CUSTOMER_POSTS
    limit *= TYPING_PER_POST if scope == "typing" else 1
    limit = MAX_PASSWORD_GUESSES if scope == "passwords" else limit
    [(count,)] = fetch_rows(
        "accounts",
        "count_person_rate",
        user=person.pk,
        scope=scope,
        minutes=PERSON_RATE_MINUTES,
    )
    if count > limit:
        message = _(
            "You have sent more than %(limit)d within %(minutes)d minutes. Wait a few minutes, "
            "then send this again."
        )
        raise TooManyRequestsError(message % {"limit": limit, "minutes": PERSON_RATE_MINUTES})
