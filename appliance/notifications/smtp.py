"""The connection to the mail server, and what its errors mean in plain words."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import structlog
from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as DjangoBackend
from django.utils.translation import gettext as _

from appliance import egress_guard
from appliance.notifications.models import Security
from appliance.notifications.senders import MailServer

log = structlog.get_logger(__name__)
MAX_REPLY_CHARACTERS = 200  # of what a mail server says


class EmailBackend(DjangoBackend):
    """Django's backend, which trusts the certificate authority of the site as well."""

    def __init__(self, *args: Any, ca_certificate: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ca_certificate = ca_certificate

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        return tls_context(self.ca_certificate)


def tls_context(ca_certificate: str = "") -> ssl.SSLContext:
    """Return a context that verifies certificates; the PEM text is trusted besides the system's."""
    context = ssl.create_default_context()
    if ca_certificate.strip():
        context.load_verify_locations(cadata=ca_certificate)
    return context


@contextmanager
def connect(server: MailServer) -> Iterator[BaseEmailBackend]:
    """Yield a connection, opened when it is used first, to the server an admin has entered."""
    connection = mail.get_connection(
        host=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.security == Security.STARTTLS,
        use_ssl=server.security == Security.TLS,
        timeout=settings.EMAIL_TIMEOUT,
        ca_certificate=server.ca_certificate,
    )
    with egress_guard.allowing(server.host):
        try:
            yield connection
        finally:
            _close(connection)


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except OSError as error:
        log.info("smtp_close_failed", error=type(error).__name__)


def describe_error(error: Exception, server: MailServer) -> str:
    """Return one or two sentences: what is wrong, and what an admin can do."""
    names = {"host": server.host, "port": server.port, "reply": _server_reply(error)}
    return _sentence(error) % names


def _sentence(error: Exception) -> str:
    """Return the sentence with gaps for host, port and the reply of the server."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return _(
                "%(host)s refuses the user name or the password. Enter both again. It said: "
                "%(reply)s"
            )
        case smtplib.SMTPRecipientsRefused():
            return _("%(host)s refuses the recipient. It said: %(reply)s")
        case smtplib.SMTPSenderRefused():
            return _(
                "%(host)s refuses the sender address. Allow it there, or use another one. It "
                "said: %(reply)s"
            )
        case smtplib.SMTPDataError():
            return _("%(host)s refuses the e-mail. It said: %(reply)s")
        case smtplib.SMTPNotSupportedError() | smtplib.SMTPResponseException():
            return _(
                "%(host)s does not do what is asked of it on port %(port)s. Check the port, the "
                "security and whether it wants a password. It said: %(reply)s"
            )
        case smtplib.SMTPServerDisconnected():
            return _(
                "%(host)s closed the connection on port %(port)s. Check the port and the security."
            )
        case ssl.SSLCertVerificationError():
            return _certificate_sentence(error)
        case ssl.SSLError():
            return _(
                "%(host)s does not speak TLS on port %(port)s. Usual are 587 with STARTTLS and "
                "465 with TLS."
            )
        case egress_guard.EgressBlockedError():
            return _("Connections to %(host)s are blocked on this machine.")
        case socket.gaierror():
            return _(
                "The name %(host)s is not known. Check its spelling and the DNS of this machine."
            )
        case TimeoutError():
            return _(
                "%(host)s does not answer on port %(port)s. Check the port and the firewalls "
                "between."
            )
        case ConnectionRefusedError():
            return _("Nothing listens on port %(port)s of %(host)s. Check the port.")
    return _("%(host)s cannot be reached on port %(port)s: %(reply)s")


def _certificate_sentence(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == 62:  # X509_V_ERR_HOSTNAME_MISMATCH
        return _(
            "The certificate of the server is not for the name %(host)s. Enter the name that the "
            "certificate has."
        )
    if error.verify_code == 10:  # X509_V_ERR_CERT_HAS_EXPIRED
        return _("The certificate of %(host)s has expired. Renew it there.")
    return _(
        "The certificate of %(host)s is of an authority that is not trusted. Paste the "
        "certificate of this authority under CA certificate."
    )


def _server_reply(error: Exception) -> str:
    """Return what the server said, on one line."""
    reply: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, reply = error.smtp_code, error.smtp_error
    else:
        return str(error)[:MAX_REPLY_CHARACTERS]
    words = reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)
    return f"{code} {' '.join(words.split())}"[:MAX_REPLY_CHARACTERS]
