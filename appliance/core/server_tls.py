"""TLS to servers of the site that an administrator enters: verification, and why it failed."""

import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.utils.translation import gettext as _

from appliance.core.errors import BadInputError


def verifying_context(ca_certificate: str = "") -> ssl.SSLContext:
    """Return a context that verifies name and certificate of the server.

    By the certificates in ``ca_certificate`` (PEM), or by the authorities this machine trusts.
    """
    if not ca_certificate.strip():
        return ssl.create_default_context()
    return ssl.create_default_context(cadata=ca_certificate)


def require_certificates(ca_certificate: str, *, field: str) -> None:
    """Raise BadInputError unless the text is empty or holds certificates in PEM format."""
    if not ca_certificate.strip():
        return
    try:
        x509.load_pem_x509_certificates(ca_certificate.encode())
        verifying_context(ca_certificate)
    except (ValueError, ssl.SSLError) as error:
        raise BadInputError(
            _(
                "This is not a certificate in PEM format. It begins with "
                "“-----BEGIN CERTIFICATE-----”."
            ),
            field=field,
        ) from error


def describe_certificate(der: bytes) -> str:
    """Return subject, issuer, end and SHA-256 fingerprint of a certificate for an administrator."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
        issuer = certificate.issuer.rfc4514_string()
    except ValueError:
        return _("The certificate cannot be read.")
    return _(
        "It is for %(subject)s, issued by %(issuer)s, valid until %(until)s. "
        "SHA-256 fingerprint: %(fingerprint)s."
    ) % {
        "subject": subject[:200],
        "issuer": issuer[:200],
        "until": certificate.not_valid_after_utc.date().isoformat(),
        "fingerprint": certificate.fingerprint(SHA256()).hex(":").upper(),
    }


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine, so that nobody can listen in."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
