"""The listener that the site's mail server delivers to, by LMTP or SMTP.

It takes e-mail for the desk's own addresses only, from the configured networks, and answers 250
once the e-mail is committed. While the database is away it answers 4xx: the mail server keeps the
e-mail and tries again.
"""

import asyncio
import ipaddress
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import DatabaseError

from appliance.core.database import run_and_close_connection
from appliance.core.errors import SkerryError
from appliance.mail import queries, services
from appliance.mail.models import MailSettings

log = structlog.get_logger(__name__)
MB = 1024 * 1024
MAX_LINE_BYTES = 64 * 1024  # mail servers pass on longer lines than they should
MAX_CONNECTIONS = 20
MAX_RECIPIENTS = 100
SESSION_SECONDS = 120  # without a command
TEMPORARY = "451 4.3.0 The help desk cannot store e-mail at the moment. Try again later."
_THREADS = 2  # each holds an e-mail in memory
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Handler:
    """What follows from the commands of a mail server."""

    def __init__(self, *, is_lmtp: bool) -> None:
        self._is_lmtp = is_lmtp
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="deliveries")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients."
        try:
            mailbox = await self._run(queries.find_mailbox_of, address)
        except DatabaseError:
            return TEMPORARY
        if mailbox is None:
            return "550 5.1.1 This help desk has no such address."
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        status = await self._run(_deliver, envelope.content, tuple(envelope.rcpt_tos))
        # LMTP answers for each recipient (RFC 2033, 4.2); all of them are one e-mail to us
        return "\r\n".join([status] * (len(envelope.rcpt_tos) if self._is_lmtp else 1))

    async def _run(self, function: Any, *arguments: object) -> Any:
        loop = asyncio.get_running_loop()
        call = lambda: run_and_close_connection(lambda: function(*arguments))  # noqa: E731
        return await loop.run_in_executor(self._pool, call)


def _deliver(content: bytes, recipients: tuple[str, ...]) -> str:
    try:
        mailboxes = [queries.find_mailbox_of(recipient) for recipient in recipients]
        mailbox = next((mailbox for mailbox in mailboxes if mailbox), None)
        if mailbox is None:  # deactivated since the RCPT command
            return "550 5.1.1 This help desk has no such address."
        services.receive(mailbox=mailbox, source=content, envelope_recipients=recipients)
        services.record_success(mailbox)
    except (DatabaseError, SkerryError, OSError) as error:
        log.warning("delivery_postponed", error=type(error).__name__)
        return TEMPORARY
    except Exception:
        log.exception("delivery_failed")
        return TEMPORARY
    return "250 2.0.0 The help desk has the e-mail."


class Connection(SMTP):
    """One connection: from the configured networks alone, and not too many at once."""

    line_length_limit = MAX_LINE_BYTES
    networks: tuple[Network, ...] = ()
    _connections = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._is_counted = self._is_admitted(peer[0]) and self._has_room()
        if not self._is_counted:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"554 5.7.1 This address may not deliver to the help desk.\r\n")
            transport.close()
            return
        Connection._connections += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_counted:
            Connection._connections -= 1
            super().connection_lost(error)

    def _has_room(self) -> bool:
        return Connection._connections < MAX_CONNECTIONS

    def _is_admitted(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return address.is_loopback or any(address in network for network in self.networks)


class LmtpConnection(LMTP, Connection):
    """A connection that speaks LMTP."""


class Listener:
    """The listener in a thread of its own, as the settings are now."""

    def __init__(self) -> None:
        self._settings: dict[str, Any] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._thread: threading.Thread | None = None

    def update(self) -> None:
        """Start, stop or restart the listener where the settings were changed."""
        mail_settings = queries.mail_settings()
        names = ("protocol", "bind", "port", "networks", "max_message_mb")
        current = {name: getattr(mail_settings, name) for name in names}
        if not mail_settings.is_listening:
            current = {}
        if current == self._settings:
            return
        self.stop()
        if current:
            self._start(mail_settings)
        self._settings = current

    def _start(self, mail_settings: MailSettings) -> None:
        loop = asyncio.new_event_loop()
        is_lmtp = mail_settings.protocol == MailSettings.Protocol.LMTP
        kind = LmtpConnection if is_lmtp else Connection
        networks = tuple(ipaddress.ip_network(network) for network in mail_settings.networks)
        connection_class = type("Connection", (kind,), {"networks": networks})
        handler = Handler(is_lmtp=is_lmtp)

        def connection() -> SMTP:
            return connection_class(
                handler,
                data_size_limit=mail_settings.max_message_mb * MB,
                enable_SMTPUTF8=True,
                hostname="skerry",
                ident="Skerry",
                timeout=SESSION_SECONDS,
                loop=loop,
            )

        server = loop.create_server(connection, host=mail_settings.bind, port=mail_settings.port)
        self._server = loop.run_until_complete(server)  # an OSError if the address is taken
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever, name="listener", daemon=True)
        self._thread.start()
        log.info("listening", protocol=mail_settings.protocol, port=mail_settings.port)

    def stop(self) -> None:
        self._settings = {}
        if self._loop and self._server and self._thread:
            self._loop.call_soon_threadsafe(self._server.close)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)
            self._loop.close()
        self._loop = self._server = self._thread = None
