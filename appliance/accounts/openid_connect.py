"""OpenID Connect with a server inside the site's network: authorisation code with PKCE.

The server is reached by its own name only, over TLS unless it runs on this machine, without
redirects and proxies. Who somebody is comes from the ID token alone, whose signature, issuer,
audience, expiry and nonce are checked; user info is read for the same subject.
"""

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import jwt
from django.utils.translation import gettext as _

from appliance import egress_guard
from appliance.accounts.models import IdentityProvider
from appliance.core import server_tls

TIMEOUT_SECONDS = 5
MAX_ANSWER_BYTES = 512 * 1024
LEEWAY_SECONDS = 120  # clocks in closed networks drift
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
WELL_KNOWN = "/.well-known/openid-configuration"
Claims = dict[str, Any]


class ProviderError(Exception):
    """The server does not answer, or not as it should; the text says what and what to do."""


@dataclass(frozen=True)
class Endpoints:
    """What a server says about itself."""

    authorization: str
    token: str
    keys: str
    userinfo: str
    end_session: str
    is_secret_in_header: bool


@dataclass(frozen=True)
class LoginRequest:
    """What a browser takes to the server, and what its session keeps until it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


def discover(provider: IdentityProvider) -> Endpoints:
    """Read the configuration of a server. Raises ProviderError."""
    data = _request(provider, "GET", provider.issuer.rstrip("/") + WELL_KNOWN)
    issuer = str(data.get("issuer", ""))
    if issuer.rstrip("/") != provider.issuer.rstrip("/"):
        raise ProviderError(
            _("The server calls itself %(issuer)s. Enter exactly this as issuer.")
            % {"issuer": issuer or "–"}
        )
    methods = data.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Endpoints(
        authorization=_endpoint(provider, data, "authorization_endpoint"),
        token=_endpoint(provider, data, "token_endpoint"),
        keys=_endpoint(provider, data, "jwks_uri"),
        userinfo=_endpoint(provider, data, "userinfo_endpoint", is_required=False),
        end_session=_endpoint(provider, data, "end_session_endpoint", is_required=False),
        is_secret_in_header="client_secret_basic" in methods,
    )


def begin_login(provider: IdentityProvider, *, redirect_uri: str) -> LoginRequest:
    """Return where to send a browser that wants to sign in. Raises ProviderError."""
    endpoints = discover(provider)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _step in range(3))
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    separator = "&" if "?" in endpoints.authorization else "?"
    url = f"{endpoints.authorization}{separator}{urlencode(query)}"
    return LoginRequest(url=url, state=state, nonce=nonce, verifier=verifier)


def finish_login(
    provider: IdentityProvider, *, code: str, nonce: str, verifier: str, redirect_uri: str
) -> Claims:
    """Exchange a code for the claims about who has signed in. Raises ProviderError."""
    endpoints = discover(provider)
    tokens = _exchange(provider, endpoints, code=code, verifier=verifier, redirect_uri=redirect_uri)
    claims = verify_id_token(
        provider, str(tokens.get("id_token", "")), _request(provider, "GET", endpoints.keys), nonce
    )
    names = {provider.email_claim, provider.groups_claim} - {""}
    if endpoints.userinfo and not names <= claims.keys():
        headers = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
        more = _request(provider, "GET", endpoints.userinfo, headers=headers)
        if more.get("sub") != claims["sub"]:
            raise ProviderError(_("The server answered about somebody else. Sign in again."))
        claims = more | claims
    return claims


def log_out_url(provider: IdentityProvider, *, return_to: str) -> str:
    """Return where a browser logs out of the server; empty if it offers that nowhere."""
    url = discover(provider).end_session
    query = {"client_id": provider.client_id, "post_logout_redirect_uri": return_to}
    return f"{url}?{urlencode(query)}" if url else ""


def check(provider: IdentityProvider) -> None:
    """Try what a log-in needs, as far as it goes without a user. Raises ProviderError."""
    endpoints = discover(provider)
    keys = _request(provider, "GET", endpoints.keys).get("keys")
    if not keys:
        raise ProviderError(_("The server publishes no keys, so nothing it signs can be verified."))
    try:
        _exchange(provider, endpoints, code="check", verifier="check", redirect_uri="")
    except _RefusedError as error:
        if error.code in ("invalid_client", "unauthorized_client"):
            raise ProviderError(
                _("The server refuses client ID and secret. Copy both from its settings again.")
            ) from error


def verify_id_token(
    provider: IdentityProvider, token: str, key_set: dict[str, Any], nonce: str
) -> Claims:
    """Return the claims of an ID token. Raises ProviderError unless every check succeeds."""
    try:
        claims = jwt.decode(
            token,
            _find_key(token, key_set),
            algorithms=ALGORITHMS,
            audience=provider.client_id,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "sub", "aud"]},
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise ProviderError(_invalid_token(str(error))) from error
    if str(claims["iss"]).rstrip("/") != provider.issuer.rstrip("/"):
        raise ProviderError(_invalid_token("iss"))
    if not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
        raise ProviderError(_invalid_token("nonce"))
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise ProviderError(_invalid_token("azp"))
    return claims


class _RefusedError(ProviderError):
    """The server answered with an error of OAuth, named by ``code``."""

    def __init__(self, code: str) -> None:
        super().__init__(_("The server refuses: %(code)s.") % {"code": code[:80]})
        self.code = code


def _invalid_token(reason: str) -> str:
    text = _("The answer of the server is not valid (%(reason)s). Compare the clocks, try again.")
    return text % {"reason": reason[:120]}


def _find_key(token: str, key_set: dict[str, Any]) -> jwt.PyJWK:
    """Return the key that signed a token: by its id, or the only one."""
    header = jwt.get_unverified_header(token)
    keys = [key for key in key_set.get("keys", []) if key.get("use", "sig") == "sig"]
    matching = [key for key in keys if key.get("kid") == header.get("kid")]
    candidates = matching or (keys if len(keys) == 1 and "kid" not in header else [])
    if not candidates:
        raise ValueError("kid")
    return jwt.PyJWK(candidates[0], algorithm=header.get("alg"))


def _endpoint(
    provider: IdentityProvider, data: dict[str, Any], name: str, *, is_required: bool = True
) -> str:
    """Return a URL from the configuration; it must be on the host of the issuer."""
    url = str(data.get(name, ""))
    if not url and not is_required:
        return ""
    if urlsplit(url).hostname != urlsplit(provider.issuer).hostname:
        raise ProviderError(
            _("Its %(name)s is %(url)s, on another host than the issuer. Correct this there.")
            % {"name": name, "url": url[:200] or "–"}
        )
    return url


def _exchange(
    provider: IdentityProvider, endpoints: Endpoints, *, code: str, verifier: str, redirect_uri: str
) -> dict[str, Any]:
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "client_id": provider.client_id,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if provider.client_secret and endpoints.is_secret_in_header:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif provider.client_secret:
        fields["client_secret"] = provider.client_secret
    return _request(provider, "POST", endpoints.token, headers=headers, body=urlencode(fields))


def _request(
    provider: IdentityProvider,
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    """Send a request and return the JSON object of the answer. Raises ProviderError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        with egress_guard.allowing(host):
            connection = _connect(provider, parts.scheme, host, parts.port)
            try:
                target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
                connection.request(
                    method, target, body, {"Accept": "application/json", **(headers or {})}
                )
                response = connection.getresponse()
                content = response.read(MAX_ANSWER_BYTES + 1)
            finally:
                connection.close()
    except ssl.SSLCertVerificationError as error:
        raise ProviderError(
            _("The certificate of %(host)s is not trusted (%(reason)s). Enter its CA certificate.")
            % {"host": host, "reason": error.verify_message}
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise ProviderError(
            _("%(host)s does not answer (%(reason)s). Check name, port and firewall.")
            % {"host": host, "reason": str(error)[:120] or type(error).__name__}
        ) from error
    return _parse(url, response.status, content)


def _parse(url: str, status: int, content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content) if len(content) <= MAX_ANSWER_BYTES else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ProviderError(
            _("%(url)s does not answer as an OpenID Connect server (status %(status)d).")
            % {"url": url[:200], "status": status}
        )
    if status >= 300:
        raise _RefusedError(str(data.get("error", status)))
    return data


def _connect(
    provider: IdentityProvider, scheme: str, host: str, port: int | None
) -> http.client.HTTPConnection:
    if scheme == "https":
        context = _tls_context(provider.ca_certificate)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    if scheme == "http" and host in LOOPBACK_HOSTS:
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    raise ProviderError(_("The issuer must start with https://."))


def _tls_context(ca_certificate: str) -> ssl.SSLContext:
    """Return a context that trusts the given certificates alone, or those of the system."""
    try:
        return server_tls.verifying_context(ca_certificate)
    except ssl.SSLError as error:
        raise ProviderError(
            _("The CA certificate cannot be read. Paste it with its BEGIN and END lines.")
        ) from error
