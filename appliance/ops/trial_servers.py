"""Small mail and directory servers for ``doctor --egress``: what a scratch desk may reach.

They know just enough of IMAP, SMTP and LDAP for one e-mail in, any e-mail out, and a directory
without people. All three speak TLS with a certificate of their own.
"""

import asyncio
import ipaddress
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ldap3.protocol import rfc4511
from pyasn1.codec.ber import decoder, encoder

SUBJECT = "The lift of building 4 does not move"
EMAIL = (
    b"From: Pia Trial <pia@trial.example>\r\nTo: desk@trial.example\r\n"
    b"Subject: " + SUBJECT.encode() + b"\r\nMessage-ID: <trial@trial.example>\r\n"
    b"Date: Sun, 29 Nov 2026 12:00:00 +0000\r\n\r\nIt stands on the ground floor.\r\n"
)
CREDENTIAL_DAYS = timedelta(days=1)
Report = Callable[[str], None]


@dataclass(frozen=True)
class Ports:
    """Where the servers listen."""

    imap: int
    smtp: int
    ldap: int


class Credential:
    """A key and a self-signed certificate for one address."""

    def __init__(self, address: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Trial servers")])
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - CREDENTIAL_DAYS)
            .not_valid_after(now + CREDENTIAL_DAYS)
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self._key = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def context(self) -> ssl.SSLContext:
        """Return the context of a server; a key can be loaded from a file only."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "credential.pem"
            path.write_text(self._key + self.certificate)
            context.load_cert_chain(path)
        return context


async def serve(address: str, ports: Ports, credential: Credential, report: Report) -> None:
    """Serve until cancelled; ``report`` is told what each client has done."""
    loop, context = asyncio.get_running_loop(), credential.context()
    servers = [
        await asyncio.start_server(ImapSession(report), address, ports.imap, ssl=context),
        await asyncio.start_server(LdapSession(report), address, ports.ldap, ssl=context),
        await loop.create_server(
            lambda: SMTP(SmtpHandler(report), hostname="trial.example", loop=loop),
            address,
            ports.smtp,
            ssl=context,
        ),
    ]
    report("ready")
    await asyncio.gather(*(server.serve_forever() for server in servers))


class SmtpHandler:
    """Takes every e-mail and forgets it."""

    def __init__(self, report: Report) -> None:
        self._report = report

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._report("e-mail sent")
        return "250 Taken"


class ImapSession:
    """Answers an IMAP client: a folder with one e-mail, which is new until it is marked."""

    def __init__(self, report: Report) -> None:
        self._report, self._is_seen = report, False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        while line := (await reader.readline()).decode(errors="replace").strip():
            tag, _, command = line.partition(" ")
            for answer in self._answers(command):
                writer.write(b"* " + answer + b"\r\n")
            writer.write(f"{tag} OK done\r\n".encode())
            await writer.drain()
            if command.upper() == "LOGOUT":
                break
        writer.close()

    def _answers(self, command: str) -> list[bytes]:
        words = command.upper()
        if words == "CAPABILITY":
            return [b"CAPABILITY IMAP4rev1"]
        if words.startswith("SELECT"):
            folder = [b"1 EXISTS", b"0 RECENT", b"FLAGS (\\Seen)"]
            return [*folder, b"OK [UIDVALIDITY 1] valid", b"OK [UIDNEXT 2] next"]
        if words.startswith("UID SEARCH"):
            return [b"SEARCH" if self._is_seen and "UNSEEN" in words else b"SEARCH 1"]
        if words.startswith("UID STORE"):
            self._is_seen = True
        if words.startswith("UID FETCH"):
            return [self._fetched(words)]
        return [b"BYE"] if words == "LOGOUT" else []

    def _fetched(self, words: str) -> bytes:
        if "BODY.PEEK[]" in words:
            self._report("e-mail fetched")
            return b"1 FETCH (UID 1 BODY[] {%d}\r\n%s)" % (len(EMAIL), EMAIL)
        return b"1 FETCH (UID 1 RFC822.SIZE %d)" % len(EMAIL)


class LdapSession:
    """Answers an LDAP client: every bind succeeds, every search finds nothing."""

    def __init__(self, report: Report) -> None:
        self._report = report

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while content := await _read_ber(reader):
            request, _rest = decoder.decode(content, asn1Spec=rfc4511.LDAPMessage())
            kind = request["protocolOp"].getName()
            if kind == "unbindRequest":
                break
            if answer := self._answer(kind):
                message = rfc4511.LDAPMessage()
                message["messageID"] = request["messageID"]
                message["protocolOp"] = answer
                writer.write(encoder.encode(message))
                await writer.drain()
        writer.close()

    def _answer(self, kind: str) -> rfc4511.ProtocolOp | None:
        kinds = {"bindRequest": "bindResponse", "searchRequest": "searchResDone"}
        if kind not in kinds:
            return None
        if kind == "searchRequest":
            self._report("directory searched")
        operation = rfc4511.ProtocolOp()
        result = operation.componentType.getTypeByPosition(
            operation.componentType.getPositionByName(kinds[kind])
        ).clone()
        result["resultCode"] = "success"
        result["matchedDN"] = result["diagnosticMessage"] = ""
        operation[kinds[kind]] = result
        return operation


async def _read_ber(reader: asyncio.StreamReader) -> bytes:
    """Return one value with its head; empty when the client has gone."""
    try:
        head = await reader.readexactly(2)
        if head[1] & 0x80:
            head += await reader.readexactly(head[1] & 0x7F)
        length = int.from_bytes(head[2:], "big") if len(head) > 2 else head[1]
        return head + await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return b""
