"""Connections to an LDAP server: TLS, bind, complete searches. No database, no rules.

TLS is verified by Python's own SSLContext: ldap3 compares names by itself and sends no server name.
"""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ldap3
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from ldap3.core.exceptions import (
    LDAPException,
    LDAPInvalidFilterError,
    LDAPStartTLSError,
)
from ldap3.core.results import (
    RESULT_INVALID_CREDENTIALS,
    RESULT_NO_SUCH_OBJECT,
    RESULT_REFERRAL,
    RESULT_SUCCESS,
)

from appliance import egress_guard
from appliance.core import server_tls
from appliance.directory.errors import DirectoryError, UnavailableError, UnreachableError
from appliance.directory.models import Directory, Security

PAGE_ROWS = 1000  # Active Directory returns no more at once
PAGED_RESULTS = "1.2.840.113556.1.4.319"
NO_ATTRIBUTES = ("1.1",)
MAX_ADDRESSES = 3  # of one host name
MAX_CONNECT_SECONDS = 2  # of one server, so that the next has its turn
LOGIN_SECONDS = 5  # of everything a log-in asks
SYNC_SECONDS = 60  # of one answer during a sync
# Said by Active Directory to a right password only: it has expired, or must be changed first.
EXPIRED_PASSWORD_MARKS = ("data 532", "data 773")


@dataclass(frozen=True)
class SearchResult:
    dn: str
    attributes: Mapping[str, Sequence[bytes]]  # by name in lower case, without options


@dataclass
class Session:
    """An open connection, bound as the directory's bind name."""

    directory: Directory
    host: str
    connection: ldap3.Connection
    certificate: x509.Certificate | None = None
    last_message: str = field(default="", init=False)

    def search(
        self, base: str, search_filter: str, attributes: Sequence[str] = NO_ATTRIBUTES
    ) -> Iterator[SearchResult]:
        """Yield every entry below ``base``; raises UnavailableError unless the answer is complete.

        The entries are read page by page. References to other servers are not followed.
        """
        cookie: bytes | None = None
        while True:
            self._request(base, search_filter, ldap3.SUBTREE, attributes, cookie)
            self._require_success(base)
            yield from self._results()
            controls = self.connection.result.get("controls") or {}
            cookie = controls.get(PAGED_RESULTS, {}).get("value", {}).get("cookie")
            if not cookie:
                return

    def read(
        self,
        dn: str,
        attributes: Sequence[str] = NO_ATTRIBUTES,
        search_filter: str = "(objectClass=*)",
    ) -> SearchResult | None:
        """Return one entry by its DN, if it exists and matches the filter."""
        self._request(dn, search_filter, ldap3.BASE, attributes, None)
        if self.connection.result["result"] == RESULT_NO_SUCH_OBJECT:
            return None
        self._require_success(dn)
        return next(self._results(), None)

    def is_password_of(self, dn: str, password: str) -> bool:
        """Return whether the password opens this entry; the session is of no use afterwards.

        ``last_message`` is what the server says about a refusal.
        """
        secret = _encode_password(password)
        if not secret or not dn:  # an "unauthenticated bind" succeeds without a password
            return False
        try:
            is_bound = self.connection.rebind(user=dn, password=secret)
        except (LDAPException, OSError) as error:
            raise UnavailableError(
                "connection_failed", host=self.host, reason=_reason(error)
            ) from error
        self.last_message = str((self.connection.result or {}).get("message", ""))
        return bool(is_bound)

    def has_expired_password(self) -> bool:
        """Return whether the refused password was right, but has expired."""
        return any(mark in self.last_message for mark in EXPIRED_PASSWORD_MARKS)

    def close(self) -> None:
        try:
            self.connection.unbind()
        except (LDAPException, OSError):
            return

    def _request(
        self,
        base: str,
        search_filter: str,
        scope: Any,
        attributes: Sequence[str],
        cookie: bytes | None,
    ) -> None:
        try:
            self.connection.search(
                base,
                search_filter,
                search_scope=scope,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(attributes),
                paged_size=PAGE_ROWS if scope == ldap3.SUBTREE else None,
                paged_cookie=cookie,
            )
        except LDAPInvalidFilterError as error:
            raise DirectoryError("filter_invalid", reason=_reason(error)) from error
        except (LDAPException, OSError) as error:
            raise UnavailableError(
                "connection_failed", host=self.host, reason=_reason(error)
            ) from error

    def _require_success(self, base: str) -> None:
        result = self.connection.result
        if result["result"] == RESULT_SUCCESS:
            return
        if result["result"] == RESULT_NO_SUCH_OBJECT:
            raise DirectoryError("base_not_found", dn=base)
        if result["result"] == RESULT_REFERRAL:
            raise DirectoryError("base_elsewhere", dn=base)
        reason = f"{result['description']} {result.get('message') or ''}".strip()
        raise UnavailableError("search_failed", reason=reason[:300])

    def _results(self) -> Iterator[SearchResult]:
        for response in self.connection.response or []:
            if response["type"] == "searchResEntry":
                raw = response["raw_attributes"]
                attributes = {name.split(";")[0].lower(): values for name, values in raw.items()}
                yield SearchResult(response["dn"], attributes)


class _Tls(ldap3.Tls):
    """TLS as Python does it: the chain, the host's name or address, at least TLS 1.2."""

    def __init__(self, host: str, context: ssl.SSLContext) -> None:
        super().__init__()
        self._host, self._context = host, context
        self.error: Exception | None = None

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        try:
            connection.socket = self._context.wrap_socket(
                connection.socket, server_hostname=self._host
            )
        except (OSError, ValueError) as error:
            self.error = error  # ldap3 keeps its text only
            raise


@contextmanager
def connect(directory: Directory, *, seconds: float = SYNC_SECONDS) -> Iterator[Session]:
    """Connect to the first server that answers and bind; raises DirectoryError.

    Where no server answers, the error is that of the first one.
    """
    session = open_session(directory, seconds=seconds)
    try:
        yield session
    finally:
        session.close()


def open_session(directory: Directory, *, seconds: float = SYNC_SECONDS) -> Session:
    """Return a session that the caller closes; each server has ``MAX_CONNECT_SECONDS``."""
    deadline = time.monotonic() + seconds
    first_error: UnreachableError | None = None
    for host in directory.servers:
        if first_error and time.monotonic() > deadline:
            break
        try:
            return _open(directory, host, seconds)
        except UnreachableError as error:
            first_error = first_error or error
    raise first_error or DirectoryError("no_servers")


def _open(directory: Directory, host: str, seconds: float) -> Session:
    """Connect to one server and bind as the bind name."""
    if directory.bind_dn and not directory.bind_password:
        raise DirectoryError("bind_password_missing")
    session = connect_unbound(directory, host, seconds=seconds)
    try:
        session.connection.bind()
    except (LDAPException, OSError) as error:
        session.close()
        raise UnreachableError("timed_out", host=host, port=directory.effective_port) from error
    result = session.connection.result
    if result["result"] == RESULT_SUCCESS:
        return session
    session.close()
    if result["result"] == RESULT_INVALID_CREDENTIALS:
        raise DirectoryError("bind_refused", host=host)
    raise UnreachableError("bind_failed", host=host, reason=str(result["description"]))


def connect_unbound(directory: Directory, host: str, *, seconds: float) -> Session:
    """Open a connection with TLS to one server, at the first of its addresses that answers."""
    if directory.security == Security.PLAIN and not server_tls.is_loopback(host):
        raise DirectoryError("plain_text_refused", host=host)
    first_error: UnreachableError | None = None
    with egress_guard.allowing(host):
        for address in _resolve(host, directory.effective_port)[:MAX_ADDRESSES]:
            connection, tls = _prepare(directory, host, address, seconds)
            try:
                connection.open(read_server_info=False)
                if directory.security == Security.STARTTLS:
                    connection.start_tls(read_server_info=False)
            except (LDAPException, OSError) as error:
                _close_socket(connection)
                problem = _connection_error(directory, host, tls.error or error)
                first_error = first_error or problem
            else:
                return Session(directory, host, connection, _certificate(connection))
    raise first_error or UnreachableError("name_unknown", host=host)


def _prepare(
    directory: Directory,
    host: str,
    address: str,
    seconds: float,
    context: ssl.SSLContext | None = None,
) -> tuple[ldap3.Connection, _Tls]:
    tls = _Tls(host, context or _context(directory))
    server = ldap3.Server(
        address,
        port=directory.effective_port,
        use_ssl=directory.security == Security.LDAPS,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=min(MAX_CONNECT_SECONDS, seconds),
    )
    connection = ldap3.Connection(
        server,
        user=directory.bind_dn or None,
        password=_encode_password(directory.bind_password) or None,
        authentication=ldap3.SIMPLE if directory.bind_dn else ldap3.ANONYMOUS,
        auto_referrals=False,
        read_only=True,
        receive_timeout=max(1, int(seconds)),
        return_empty_attributes=False,
    )
    return connection, tls


def _context(directory: Directory) -> ssl.SSLContext:
    context = server_tls.verifying_context(directory.ca_certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _resolve(host: str, port: int) -> list[str]:
    """Return the addresses of the host; the name of a domain has one of each of its servers."""
    try:
        results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError("name_unknown", host=host) from error
    return list(dict.fromkeys(str(result[4][0]) for result in results))


def _connection_error(directory: Directory, host: str, error: Exception) -> UnreachableError:
    where: dict[str, str | int] = {"host": host, "port": directory.effective_port}
    text = str(error).lower()
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or str(error)
        return UnreachableError(
            "certificate_untrusted", **where, reason=reason, **_peer(directory, host)
        )
    if isinstance(error, ssl.SSLError):
        return UnreachableError("no_tls", **where)
    if isinstance(error, LDAPStartTLSError):
        return UnreachableError("starttls_refused", **where)
    if "refused" in text:
        return UnreachableError("refused", **where)
    if "timed out" in text or "unreachable" in text or "no route" in text:
        return UnreachableError("timed_out", **where)
    if "reset" in text or "terminated" in text:  # what a server does that expects the other kind
        return UnreachableError("no_tls", **where)
    return UnreachableError("connection_failed", **where, reason=_reason(error))


def _peer(directory: Directory, host: str) -> dict[str, str]:
    """Return issuer and fingerprint of a certificate that is not trusted; nothing is sent there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = _resolve(host, directory.effective_port)[0]
    connection, _tls = _prepare(directory, host, address, MAX_CONNECT_SECONDS, context)
    try:
        connection.open(read_server_info=False)
        if directory.security == Security.STARTTLS:
            connection.start_tls(read_server_info=False)
        certificate = _certificate(connection)
    except (LDAPException, OSError):
        certificate = None
    finally:
        _close_socket(connection)
    if certificate is None:
        return {"issuer": "–", "fingerprint": "–"}
    return {
        "issuer": certificate.issuer.rfc4514_string(),
        "fingerprint": certificate.fingerprint(SHA256()).hex(":").upper(),
    }


def _close_socket(connection: ldap3.Connection) -> None:
    """Close what ldap3 leaves open when it cannot connect."""
    if connection.socket:
        connection.socket.close()


def _certificate(connection: ldap3.Connection) -> x509.Certificate | None:
    if not isinstance(connection.socket, ssl.SSLSocket):
        return None
    content = connection.socket.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(content) if content else None


def _encode_password(password: str) -> bytes:
    """Return the bytes that were typed.

    ldap3 would normalise a text: it drops some characters, so that a password of these alone would
    become the empty one, which servers accept.
    """
    return password.encode(errors="replace")


def _reason(error: Exception) -> str:
    return str(error)[:300]
