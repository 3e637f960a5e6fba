"""Connections to IMAP servers. What goes wrong is said in words for an administrator."""

import contextlib
import socket
import ssl
from collections.abc import Iterator

from django.utils.translation import gettext as _
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from appliance import egress_guard
from appliance.core import server_tls
from appliance.mail.models import Mailbox

CONNECT_SECONDS, READ_SECONDS = 10, 60
TEST_SECONDS = 8  # while an admin waits for the page
CUT_BYTES = 1024 * 1024  # what is read of an e-mail above the limit


class MailServerError(Exception):
    """The mail server cannot be used; the message says why and what to do."""


@contextlib.contextmanager
def connected(mailbox: Mailbox, *, seconds: float = READ_SECONDS) -> Iterator[IMAPClient]:
    """Connect and log in; only this server can be reached. Raises MailServerError.

    ``seconds`` is how long the server may take for one answer. Errors of the server inside the
    block become MailServerErrors, too.
    """
    with egress_guard.allowing(mailbox.host), _explained(mailbox):
        client = _connect(mailbox, seconds)
        try:
            _log_in(client, mailbox)
            yield client
        except BaseException:
            client.shutdown()  # not log out: the server may hang
            raise
        with contextlib.suppress(IMAPClientError, OSError):
            client.logout()


def _connect(mailbox: Mailbox, seconds: float) -> IMAPClient:
    context = server_tls.verifying_context(mailbox.ca_certificate)
    if mailbox.security == Mailbox.Security.PLAIN and not server_tls.is_loopback(mailbox.host):
        raise MailServerError(_("Without TLS, only a mail server on this machine is used."))
    client = IMAPClient(
        mailbox.host,
        port=mailbox.port,
        ssl=mailbox.security == Mailbox.Security.TLS,
        ssl_context=context,
        timeout=SocketTimeout(connect=min(CONNECT_SECONDS, seconds), read=seconds),
    )
    if mailbox.security == Mailbox.Security.STARTTLS:
        client.starttls(context)
    return client


def _log_in(client: IMAPClient, mailbox: Mailbox) -> None:
    try:
        if client.has_capability("AUTH=PLAIN"):  # which knows characters beyond ASCII
            client.plain_login(mailbox.user, mailbox.password)
        else:
            client.login(mailbox.user, mailbox.password)
    except LoginError as error:
        raise MailServerError(
            _("The server refuses user name or password. It says: %s") % _text(error)
        ) from error


@contextlib.contextmanager
def _explained(mailbox: Mailbox) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise MailServerError(_describe_distrust(mailbox, error)) from error
    except ssl.SSLError as error:
        raise MailServerError(
            _("The server speaks no TLS on port %(port)d. Check port and security. (%(detail)s)")
            % {"port": mailbox.port, "detail": error.reason or error}
        ) from error
    except OSError as error:
        raise MailServerError(_describe_no_connection(mailbox, error)) from error
    except IMAPClientError as error:
        raise MailServerError(_("The server reports: %s") % _text(error)) from error


def _describe_no_connection(mailbox: Mailbox, error: OSError) -> str:
    values = {"host": mailbox.host, "port": mailbox.port}
    if isinstance(error, socket.gaierror):
        return _("The name %(host)s is unknown. Check it, and the name server.") % values
    if isinstance(error, ConnectionRefusedError):
        return _("%(host)s refuses connections on port %(port)d. Check the port.") % values
    if isinstance(error, TimeoutError):
        return _("%(host)s does not answer on port %(port)d.") % values
    return _("The connection to %(host)s failed: %(detail)s") % {**values, "detail": error}


def _describe_distrust(mailbox: Mailbox, error: ssl.SSLCertVerificationError) -> str:
    parts = [
        _("The certificate of %(host)s is not trusted: %(why)s.")
        % {"host": mailbox.host, "why": error.verify_message}
    ]
    with contextlib.suppress(OSError, IMAPClientError):
        parts.append(server_tls.describe_certificate(_fetch_certificate(mailbox)))
    parts.append(_("If it is right, enter the certificate of the authority that issued it."))
    return " ".join(parts)


def _fetch_certificate(mailbox: Mailbox) -> bytes:
    """Return the certificate of a server that is not trusted; nothing is sent to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = IMAPClient(
        mailbox.host,
        port=mailbox.port,
        ssl=mailbox.security == Mailbox.Security.TLS,
        ssl_context=context,
        timeout=SocketTimeout(connect=CONNECT_SECONDS, read=CONNECT_SECONDS),
    )
    try:
        if mailbox.security == Mailbox.Security.STARTTLS:
            client.starttls(context)
        return client.socket().getpeercert(binary_form=True) or b""
    finally:
        client.shutdown()


def _text(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return (detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail))[:200]


def list_folders(client: IMAPClient) -> list[str]:
    """Return the names of the folders that can be opened."""
    folders = client.list_folders()
    return sorted(str(name) for flags, _delimiter, name in folders if rb"\Noselect" not in flags)


def select(client: IMAPClient, mailbox: Mailbox, *, is_read_only: bool = False) -> dict[bytes, int]:
    """Open the folder of the mailbox and return what the server says of it."""
    try:
        return client.select_folder(mailbox.folder, readonly=is_read_only)
    except IMAPClientError as error:
        raise MailServerError(
            _("The folder %(name)s cannot be opened. The server has: %(folders)s.")
            % {"name": mailbox.folder, "folders": ", ".join(list_folders(client)[:20])}
        ) from error


def last_uid(client: IMAPClient, folder: dict[bytes, int]) -> int:
    """Return the highest UID that the open folder has had; ``folder`` is what ``select`` said."""
    if uid_next := folder.get(b"UIDNEXT"):
        return uid_next - 1
    return max(client.search(["ALL"]), default=0)


def list_new(client: IMAPClient, mailbox: Mailbox, uid_validity: int) -> list[int]:
    """Return the UIDs of the e-mails to receive, oldest first.

    Of a folder that e-mails are moved out of: all. Otherwise those that are not read, and those
    newer than the last one received, which somebody may have read in another program.
    """
    if mailbox.after_reading == Mailbox.AfterReading.MOVE:
        return sorted(client.search(["NOT", "DELETED"]))
    uids = set(client.search(["UNSEEN", "NOT", "DELETED"]))
    if uid_validity == mailbox.uid_validity:
        newer = client.search(["UID", f"{mailbox.last_uid + 1}:*", "NOT", "DELETED"])
        uids |= {uid for uid in newer if uid > mailbox.last_uid}  # "n:*" always has the last one
    return sorted(uids)


def fetch(client: IMAPClient, uid: int, limit_bytes: int) -> tuple[bytes, int] | None:
    """Return source and size of an e-mail; above the limit the beginning of the source.

    None if it is not there any more. The e-mail is not marked as read.
    """
    size = client.fetch([uid], ["RFC822.SIZE"]).get(uid, {}).get(b"RFC822.SIZE")
    if size is None:
        return None
    is_cut = size > limit_bytes
    data = client.fetch([uid], [f"BODY.PEEK[]<0.{CUT_BYTES}>" if is_cut else "BODY.PEEK[]"])
    source = data.get(uid, {}).get(b"BODY[]<0>" if is_cut else b"BODY[]")
    return None if source is None else (source, size)


def set_aside(client: IMAPClient, mailbox: Mailbox, uid: int) -> None:
    """Mark an e-mail that was received as read, or move it, as the mailbox is set."""
    if mailbox.after_reading == Mailbox.AfterReading.MARK_SEEN:
        client.add_flags([uid], [rb"\Seen"], silent=True)
        return
    if not client.folder_exists(mailbox.target_folder):
        client.create_folder(mailbox.target_folder)
    if client.has_capability("MOVE"):
        client.move([uid], mailbox.target_folder)
        return
    client.copy([uid], mailbox.target_folder)
    client.delete_messages([uid], silent=True)
    if client.has_capability("UIDPLUS"):  # without it, others' deleted e-mails would go, too
        client.uid_expunge([uid])


def location(mailbox: Mailbox, uid_validity: int, uid: int) -> str:
    """Return the place of an e-mail on its server, in the manner of RFC 5092."""
    place = f"imap://{mailbox.user[:200]}@{mailbox.host}/{mailbox.folder[:100]}"
    return f"{place};UIDVALIDITY={uid_validity}/;UID={uid}"
