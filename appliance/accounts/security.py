"""Password hashing, tokens of secret links, and rate limits for visitors and signed-in people."""

import hashlib
import secrets
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from appliance.accounts.models import RateCount, User
from appliance.core.errors import BadInputError, TooManyRequestsError
from appliance.core.sql_files import fetch_rows

MAX_LOGIN_NAME_CHARACTERS = 254
TYPING_PER_POST = 40  # previews, drafts and suggestions while somebody writes
# How often within an hour, by scope; see RATE_MINUTES. A ward or an office may share one address.
RATE_LIMITS = {
    "register": 20,
    "link-to": 3,  # e-mails to one e-mail address
    "reset": 20,
    "ask": 20,
    "typing-guest": 400,  # known problems while a guest writes
    "answer": 60,
    "vote": 60,
    "confirm": 10,
    "log-in": 100,  # wrong passwords from one address
    "password": 5,  # wrong passwords for one account from one address
    "code": 5,  # wrong codes of a second factor for one account
    "passkey": 100,
    "sso": 200,
}
MINUTES = 60
RATE_MINUTES = {"password": 15, "code": 15, "posts": 10, "typing": 10}  # instead of an hour
PERSONAL_NETWORK_BITS = 64  # of IPv6: what one household or machine can choose from


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters (19 MiB, two passes, one lane).

    Django's default takes several times the CPU, too much for two cores when a shift begins.
    """

    time_cost = 2
    memory_cost = 19456
    parallelism = 1


_login_name_sources: list[Callable[[], bool]] = []


def accept_login_names_when(is_accepted: Callable[[], bool]) -> None:
    """Let people type a login name instead of an address whenever ``is_accepted`` returns True."""
    if is_accepted not in _login_name_sources:
        _login_name_sources.append(is_accepted)


def accepts_login_names() -> bool:
    """Return whether people are known by login names, not only by address."""
    return any(is_accepted() for is_accepted in _login_name_sources)


def generate_token() -> str:
    """Return 256 random bits, safe in a URL. Only its hash is stored."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the SHA-256 in hex; a random token needs no slow hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def fold_login_name(name: str) -> str:
    """Return the name under which log-ins are counted: equal for all ways to write it."""
    for _round in range(2):  # removing a character may let its neighbours combine
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        name = "".join(char for char in name if unicodedata.category(char)[0] not in "CZ")
    return name[:MAX_LOGIN_NAME_CHARACTERS]


def client_address(request: HttpRequest) -> str:
    """Return the address limits count by; of IPv6 the network, which one client can use up.

    REMOTE_ADDR is what the front says (management/commands/serve.py). Headers such as
    X-Forwarded-For are never read here: anybody can send them.
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


def may_try_password(*, name: str, ip_address: str) -> bool:
    """Count a password that is about to be tried; return whether it may be.

    Counted before the password is checked, so that many at once do not exceed the limit.
    """
    _delete_old_counts()
    is_within = [
        _is_within_limit("log-in", ip_address),
        _is_within_limit("password", _login_key(name, ip_address)),
    ]
    return all(is_within)


def has_another_try(*, name: str, ip_address: str) -> bool:
    """Return whether one more password may be tried for this account."""
    counts = RateCount.objects.filter(scope="password", key=_login_key(name, ip_address))
    return not counts.filter(count__gte=RATE_LIMITS["password"]).exists()


def forgive_tries(*, name: str, ip_address: str) -> None:
    """Count nothing for a password that was right, nor for those before it for this account."""
    RateCount.objects.filter(scope="password", key=_login_key(name, ip_address)).delete()
    RateCount.objects.filter(scope="log-in", key=ip_address, count__gt=0).update(
        count=F("count") - 1
    )


def _login_key(name: str, ip_address: str) -> str:
    """Return a hash nobody can test of an account and the address it is tried from."""
    text = f"{fold_login_name(name)} {ip_address}"
    return salted_hmac("password", text, algorithm="sha256").hexdigest()


def may_try_code(person: User) -> bool:
    """Count a code of a second factor that is about to be tried; return whether it may be.

    Only whoever knows the password gets here, so an account is counted from all addresses.
    """
    _delete_old_counts()
    return _is_within_limit("code", str(person.pk))


def forgive_codes(person: User) -> None:
    """Count none of the codes that were tried before one that was right."""
    RateCount.objects.filter(scope="code", key=str(person.pk)).delete()


def check_rate_limit(*, scope: str, ip_address: str) -> None:
    """Count one form sent; raises BadInputError beyond the limit of ``scope``.

    Counts are kept in PostgreSQL, so that flushing the cache resets no limit. Call it outside the
    transaction of the form: a form that is refused later counts as well.
    """
    _delete_old_counts()
    if not _is_within_limit(scope, ip_address):
        raise BadInputError(
            _("Too many requests from this address in the last hour. Try again later or call us.")
        )


def check_person_rate(person: User, *, scope: Literal["posts", "typing"] = "posts") -> None:
    """Count what a signed-in person sends; raises TooManyRequestsError beyond the limit.

    Call it outside the transaction of the form.
    """
    limit = settings.AGENT_POSTS if person.is_agent else settings.CUSTOMER_POSTS
    limit *= TYPING_PER_POST if scope == "typing" else 1
    if _count(scope, str(person.pk)) > limit:
        message = _(
            "You have sent more than %(limit)d within %(minutes)d minutes. Wait a few minutes, "
            "then send this again."
        )
        raise TooManyRequestsError(message % {"limit": limit, "minutes": RATE_MINUTES[scope]})


def _is_within_limit(scope: str, key: str) -> bool:
    return _count(scope, key) <= RATE_LIMITS[scope]


def _count(scope: str, key: str) -> int:
    """Count one more, in one statement, and return how many there are."""
    minutes = RATE_MINUTES.get(scope, MINUTES)
    [(count,)] = fetch_rows("accounts", "count_rate", scope=scope, key=key, minutes=minutes)
    return count


def _delete_old_counts() -> None:
    RateCount.objects.filter(started_at__lt=timezone.now() - timedelta(minutes=MINUTES)).delete()
