"""The TLS certificate that the front serves, as a browser gets it."""

import contextlib
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.conf import settings
from django.utils import timezone

from appliance.core import cache, cache_values
from appliance.site_url import SiteUrl

CONNECT_SECONDS = 1
CACHE_SECONDS = 300
ALARM_BEFORE = timedelta(days=21)
# The desk's own CA renews a certificate when a third of its time is left; this is later.
ALARM_SHARE = 0.25
CA_FOLDER = "caddy/pki/authorities/local"  # of the desk's own CA, written by the front
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to connect to instead


@cache_values.register
@dataclass(frozen=True)
class Certificate:
    """Who issued it, when it is valid, and whether it is for the site's URL."""

    issuer: str
    starts_at: datetime
    expires_at: datetime
    is_for_site: bool

    @property
    def days_left(self) -> int:
        """Return whole days; negative once it has expired."""
        return (self.expires_at - timezone.now()).days

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def is_expiring(self) -> bool:
        """Return whether it should have been replaced: by an operator, or by the desk's own CA."""
        lifetime = self.expires_at - self.starts_at
        return self.expires_at - timezone.now() < min(ALARM_BEFORE, lifetime * ALARM_SHARE)


@dataclass(frozen=True)
class RootCertificate:
    """The certificate of the desk's own CA, which browsers have to trust."""

    content: bytes  # PEM
    fingerprint: str  # SHA-256, as browsers and systems show it
    expires_at: datetime


def find_root(served: Certificate | None) -> RootCertificate | None:
    """Return the root of the desk's own CA; None where the certificate is from somewhere else."""
    folder = settings.DATA / CA_FOLDER
    try:
        issuer = x509.load_pem_x509_certificate((folder / "intermediate.crt").read_bytes())
        content = (folder / "root.crt").read_bytes()
        certificate = x509.load_pem_x509_certificate(content)
    except (OSError, ValueError):
        return None
    if served is None or served.issuer != _common_name(issuer.subject):
        return None
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return RootCertificate(content, fingerprint, certificate.not_valid_after_utc)


def served_certificate() -> Certificate | None:
    """Return the certificate of the front, cached for minutes; None where a proxy has it."""
    url = settings.SITE_URL
    if url is None or not url.is_https:
        return None
    return cache.get_or_compute(
        "certificate", [], lambda: _read_certificate(url), seconds=CACHE_SECONDS
    )


def _read_certificate(url: SiteUrl) -> Certificate | None:
    host = EVERY_ADDRESS.get(settings.SKERRY_BIND, settings.SKERRY_BIND)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is only looked at
    name = None if url.is_address else url.host
    with (
        contextlib.suppress(OSError, ValueError),  # the front serves plain HTTP to a proxy
        socket.create_connection((host, settings.SKERRY_PORT), CONNECT_SECONDS) as connection,
        context.wrap_socket(connection, server_hostname=name) as encrypted,
    ):
        return parse(encrypted.getpeercert(binary_form=True) or b"", url)
    return None


def parse(content: bytes, url: SiteUrl) -> Certificate:
    """Parse a DER certificate. Raises ValueError when it is none."""
    certificate = x509.load_der_x509_certificate(content)
    return Certificate(
        issuer=_common_name(certificate.issuer),
        starts_at=certificate.not_valid_before_utc.astimezone(UTC),
        expires_at=certificate.not_valid_after_utc.astimezone(UTC),
        is_for_site=_is_for(certificate, url),
    )


def _common_name(name: x509.Name) -> str:
    names = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else name.rfc4514_string()


def _is_for(certificate: x509.Certificate, url: SiteUrl) -> bool:
    """Return whether a browser accepts it for the host of the URL."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    if url.is_address:
        return ipaddress.ip_address(url.host) in names.get_values_for_type(x509.IPAddress)
    patterns = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    return bool(patterns & {url.host, f"*.{url.host.partition('.')[2]}"})
