"""A storm of e-mails on a real desk while its parts are killed; nothing is lost or doubled.

``.venv/bin/python -m tests.mail.storm --messages 1000 --kills 20`` runs the long version: as root
with Postfix between the senders, Dovecot and the desk; as anybody else without Postfix. It needs
Debian's dovecot-imapd, dovecot-lmtpd and postfix, and ends with status 1 if anything is wrong.

The oracle is a ledger of what was accepted from the senders, kept outside of the database.
"""

import argparse
import contextlib
import email
import json
import os
import pwd
import random
import shutil
import signal
import smtplib
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path

import psycopg
import pytest
from aiosmtpd.controller import Controller
from imapclient.exceptions import IMAPClientError

from tests.launcher.conftest import Desk, wait_for
from tests.mail.dovecot import PASSWORD, Dovecot, free_ports, running_dovecot
from tests.mail.postfix import MASTER, Postfix

LMTP = """\
service lmtp {{
  chroot =
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
protocol lmtp {{
  auth_username_format = %Ln
}}
recipient_delimiter = +
"""
SETUP = """
from appliance.notifications.models import EmailSettings, SenderAddress
from appliance.mail.models import Mailbox
address = SenderAddress.objects.create(address="{name}@example.org", is_default=True)
EmailSettings.objects.create(host="127.0.0.1", port={smtp_port}, security="none",
    max_emails_per_minute=10_000)
Mailbox.objects.create(name="{name}", host="localhost", port={imap_port}, user="{name}",
    password={password!r}, ca_certificate={ca_pem!r}, sender_address=address, poll_seconds=15)
"""
SECONDS = 600  # until everything has arrived


# --- e-mails


@dataclass(frozen=True)
class Letter:
    """An e-mail of the storm. ``marker`` stands in its text and nowhere else."""

    kind: str
    marker: str
    sender: str
    source: bytes

    @property
    def opens_ticket(self) -> bool:
        return self.kind in ("question", "hostile")


def compose(kind: str, number: int, *, headers: str = "", body: str = "", to: str = "") -> Letter:
    marker = f"storm-{number}-{random.randrange(10**9):09}"
    sender = f"{kind}{number}@elsewhere.example"
    head = (
        f"From: {kind.title()} {number} <{sender}>\r\nTo: {to or 'desk@example.org'}\r\n"
        f"Subject: {kind} {number}\r\nMessage-ID: <{marker}@elsewhere.example>\r\n"
        f"Date: Sun, 29 Nov 2026 12:00:00 +0000\r\n{headers}"
    )
    text = f"Hello,\r\n\r\nthe printer on ward {number} is broken. {marker}\r\n{body}"
    return Letter(kind, marker, sender, f"{head}\r\n{text}".encode())


HOSTILE = [
    {"headers": "Cc: " + ", ".join(f"u{n}@x.example" for n in range(20_000)) + "\r\n"},
    {"headers": "X-Long: " + "x" * 300_000 + "\r\n"},
    {"headers": "Content-Type: text/html\r\n", "body": "<div>" * 20_000},
    {"headers": "Content-Type: text/plain; charset=utf-7\r\n", "body": "+ADw-" * 1_000},
    {"body": "> " * 50_000},
]
BOUNCE = """Auto-Submitted: auto-replied\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
"""
BOUNCE_BODY = """--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
Final-Recipient: rfc822; nobody@elsewhere.example\r
Action: failed\r
Status: 5.1.1\r
--b--\r
"""


def compose_all(count: int) -> list[Letter]:
    """Return a mix of e-mails, the same for the same count; duplicates stand for themselves."""
    letters: list[Letter] = []
    for number in range(count):
        share = number % 20
        if share < 11:
            letters.append(compose("question", number))
        elif share < 13:
            letters.append(compose("robot", number, headers="Auto-Submitted: auto-replied\r\n"))
        elif share < 14:
            letters.append(compose("list", number, headers="List-Id: <x.example>\r\n"))
        elif share < 15:
            letters.append(compose("bounce", number, headers=BOUNCE, body=BOUNCE_BODY))
        elif share < 17:
            letters.append(compose("hostile", number, **HOSTILE[number % len(HOSTILE)]))
        else:
            original = random.choice(letters)
            trace = b"Received: from relay.example; Sun, 29 Nov 2026 12:00:00 +0000\r\n"
            again = Letter("duplicate", original.marker, original.sender, trace + original.source)
            letters.append(again)
    return letters


def compose_answer(acknowledgement: bytes, number: int) -> Letter:
    """Return the answer of a person to an e-mail of the desk, by its Reply-To."""
    message = email.message_from_bytes(acknowledgement)
    to = parseaddr(message["Reply-To"] or message["From"])[1]
    person = parseaddr(message["To"])[1]
    letter = compose("answer", number, to=to, headers=f"In-Reply-To: {message['Message-ID']}\r\n")
    source = letter.source.replace(letter.sender.encode(), person.encode())
    return Letter("answer", letter.marker, person, source)


# --- servers


class Forwarder:
    """In the place of Postfix: takes the e-mails of the desk and puts them into a mailbox."""

    def __init__(self, site: "Site") -> None:
        self._site = site

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        try:
            for recipient in envelope.rcpt_tos:
                name = recipient.partition("@")[0].partition("+")[0]
                user = name if name in self._site.names else "world"
                self._site.dovecot.deliver(envelope.content, user=user)
        except (OSError, IMAPClientError):
            return "451 4.3.0 Try again later"
        return "250 2.0.0 OK"


class RootServant:
    """Starts and kills Postfix for a process that has given up root. One line, one command."""

    def __init__(self) -> None:
        self.here, there = socket.socketpair()
        if os.fork() == 0:
            self.here.close()
            self._serve(there.makefile("rw"))
            os._exit(0)
        there.close()
        self._lines = self.here.makefile("rw")

    def ask(self, command: str, *arguments: object) -> None:
        self._lines.write(json.dumps([command, *arguments], default=str) + "\n")
        self._lines.flush()
        answer = self._lines.readline().strip()
        assert answer == "ok", answer

    @staticmethod
    def _serve(lines) -> None:
        postfix: Postfix | None = None
        for line in lines:
            command, *arguments = json.loads(line)
            try:
                if command == "create":
                    base, port, lmtp_port, certificate, key, local = arguments
                    postfix = Postfix.create(
                        Path(base), port, lmtp_port, Path(certificate), Path(key), local
                    )
                elif postfix:
                    getattr(postfix, command)()
                lines.write("ok\n")
            except Exception as error:
                lines.write(f"{error!r}\n".replace("\\n", " "))
            lines.flush()
        if postfix:
            postfix.kill()
            shutil.rmtree(postfix.base.parent, ignore_errors=True)  # it is over


@dataclass
class Site:
    """The servers of a site: Dovecot, perhaps Postfix, and a desk that uses them."""

    base: Path
    dovecot: Dovecot
    lmtp_port: int
    smtp_port: int
    servant: RootServant | None
    names: list[str]  # of the mailboxes of desks
    desks: list[Desk] = field(default_factory=list)

    def add_desk(self, name: str) -> Desk:
        """Start a desk with a mailbox and a mail server."""
        desk = Desk(self.base / name, SKERRY_WEB_PROCESSES="1")
        self.desks.append(desk)
        desk.launch()
        wait_for(desk.is_announced, SECONDS)
        code = SETUP.format(
            name=name,
            smtp_port=self.smtp_port,
            imap_port=self.dovecot.port,
            password=PASSWORD,
            ca_pem=self.dovecot.certificates.ca_pem,
        )
        result = desk.call("manage", "shell", "-c", code, seconds=SECONDS)
        assert result.returncode == 0, result.stderr
        return desk

    def send(self, letter: Letter, to: str = "") -> None:
        """Hand an e-mail to the mail server, again and again until it has accepted it."""
        deadline = time.monotonic() + SECONDS
        recipient = to or parseaddr(email.message_from_bytes(letter.source)["To"])[1]
        while True:
            try:
                with self._connection() as client:
                    sender = "" if letter.kind == "bounce" else letter.sender
                    client.sendmail(sender, [recipient], letter.source)
                return
            except (OSError, smtplib.SMTPException):
                assert time.monotonic() < deadline, "the mail server does not come back"
                time.sleep(0.1)

    def _connection(self) -> smtplib.SMTP:
        if self.servant:
            return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10)
        return smtplib.LMTP("127.0.0.1", self.lmtp_port, timeout=10)

    def sent_by_desks(self, user: str = "world") -> list[bytes]:
        """Return the e-mails that the desks have sent to the world."""
        with self.dovecot.connected(user) as client:
            client.select_folder("INBOX", readonly=True)
            fetched = client.fetch(client.search(), "BODY.PEEK[]")
            return [data[b"BODY[]"] for data in fetched.values()]

    def kill_mail_servers(self) -> None:
        self.dovecot.stop(kill=True)
        if self.servant:
            self.servant.ask("kill")
        time.sleep(random.uniform(0.2, 1.5))
        self.dovecot.start()
        if self.servant:
            self.servant.ask("start")


LMTP_PROGRAM = Path("/usr/lib/dovecot/lmtp")


@contextlib.contextmanager
def running_site(base: Path, names: list[str], servant: RootServant | None) -> Iterator[Site]:
    """Run the servers; ``names`` are the mailboxes of desks. Skip without Dovecot's LMTP."""
    if not LMTP_PROGRAM.exists():
        pytest.skip("dovecot-lmtpd is not installed")
    lmtp_port, smtp_port = free_ports(2)
    (base / "dovecot").mkdir()
    users = (*names, "world")
    more, sockets = LMTP.format(port=lmtp_port), contextlib.ExitStack()
    with sockets, running_dovecot(base / "dovecot", users=users, more=more, protocols="lmtp") as it:
        site = Site(base, it, lmtp_port, smtp_port, servant, names)
        if servant:
            folder = tempfile.mkdtemp(prefix="postfix-", dir=base)
            os.chmod(folder, 0o755)
            pair = it.certificates.certificate, it.certificates.key
            servant.ask("create", folder, smtp_port, lmtp_port, *pair, names)
            servant.ask("start")
        else:
            controller = Controller(Forwarder(site), hostname="127.0.0.1", port=smtp_port)
            controller.start()
            sockets.callback(controller.stop)
        try:
            yield site
        finally:
            for desk in site.desks:
                desk.close()


# --- the storm


@dataclass
class Result:
    """What the ledger says against the database and the mailbox of the world."""

    accepted: Counter[str]  # e-mails by kind
    kills: Counter[str]
    lost: list[str]
    doubled: list[str]
    failed: list[str]
    answers_to_robots: list[str]
    answers: int  # e-mails of the desk, each Message-ID once
    repeated_answers: int  # with a Message-ID that was sent before the kill
    seconds: float

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.failed or self.answers_to_robots)

    def __str__(self) -> str:
        return (
            f"{self.accepted.total()} e-mails accepted {dict(self.accepted)}, "
            f"{self.kills.total()} kills {dict(self.kills)}, {self.seconds:.0f} s: "
            f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.failed)} failed, "
            f"{len(self.answers_to_robots)} answers to robots; {self.answers} answers, "
            f"{self.repeated_answers} of them sent twice with one Message-ID"
        )


def run_storm(site: Site, desk: Desk, count: int, kills: int) -> Result:
    """Send ``count`` e-mails during ``kills`` kills, wait, and compare with the ledger."""
    random.seed(count)
    started = time.monotonic()
    ledger: list[Letter] = []
    letters = compose_all(count * 17 // 20)
    killed: Counter[str] = Counter()
    killer = threading.Thread(target=_kill, args=(site, desk, kills, killed))
    killer.start()
    for number, letter in enumerate(letters):
        site.send(letter)
        ledger.append(letter)
        time.sleep(0.02 if number % 10 else 0.2)
    answers_due = count - len(letters)
    for number, acknowledgement in enumerate(_wait_for_acknowledgements(site, answers_due)):
        answer = compose_answer(acknowledgement, count + number)
        site.send(answer)
        ledger.append(answer)
    killer.join()
    _wait_until_processed(desk, ledger)
    _wait_until_sent(desk)
    return _compare(site, desk, ledger, killed, time.monotonic() - started)


def _kill(site: Site, desk: Desk, kills: int, killed: Counter[str]) -> None:
    """Kill worker, database and mail servers in turn, at moments nobody knows."""
    for number in range(kills):
        time.sleep(random.uniform(0.5, 3))
        part = ("worker", "postgres", "mail servers")[number % 3]
        if part == "mail servers":
            site.kill_mail_servers()
        else:
            with contextlib.suppress(Exception):  # it is being restarted
                os.kill(desk.pid(part), signal.SIGKILL)
        killed[part] += 1


def _query(desk: Desk, sql: str, *values: object) -> list[tuple]:
    """Return rows, also while the database is being restarted."""
    url = (desk.data / "secrets" / "database_url").read_text()
    deadline = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                return connection.execute(sql, values).fetchall()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.3)


def _wait_for_acknowledgements(site: Site, count: int) -> list[bytes]:
    deadline = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(OSError, IMAPClientError):  # Dovecot is being restarted
            sent = {email.message_from_bytes(raw)["To"]: raw for raw in site.sent_by_desks()}
            people = [raw for to, raw in sent.items() if "question" in to]
            if len(people) >= count:
                return people[:count]
        assert time.monotonic() < deadline, "acknowledgements do not come"
        time.sleep(0.5)


def _wait_until_processed(desk: Desk, ledger: list[Letter]) -> None:
    ids = [f"{letter.marker}@elsewhere.example" for letter in ledger]
    sql = """SELECT count(DISTINCT header_message_id) FROM mail_inboundemail
             WHERE state <> 'received' AND header_message_id = ANY (%s)"""
    deadline = time.monotonic() + SECONDS
    while _query(desk, sql, ids)[0][0] < len(set(ids)) and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(1)  # what comes twice comes now


def _wait_until_sent(desk: Desk) -> None:
    sql = "SELECT count(*) FROM notifications_outgoingemail WHERE state = 'waiting'"
    deadline = time.monotonic() + SECONDS
    while _query(desk, sql)[0][0] and time.monotonic() < deadline:
        time.sleep(0.5)


def _compare(
    site: Site, desk: Desk, ledger: list[Letter], killed: Counter[str], seconds: float
) -> Result:
    rows = _query(desk, "SELECT header_message_id, state FROM mail_inboundemail")
    texts = _query(
        desk, "SELECT description FROM tickets_ticket UNION ALL SELECT body FROM tickets_message"
    )
    received = Counter(message_id for message_id, _state in rows)
    written = Counter(word for (text,) in texts for word in text.split() if word[:6] == "storm-")
    expected = {letter.marker: letter for letter in ledger if letter.kind != "duplicate"}
    is_text = {m: it.opens_ticket or it.kind == "answer" for m, it in expected.items()}
    ids = {marker: f"{marker}@elsewhere.example" for marker in expected}
    sent = [email.message_from_bytes(raw) for raw in site.sent_by_desks()]
    answers = {message["Message-ID"] for message in sent}
    robots = ("robot", "list", "bounce")
    return Result(
        accepted=Counter(letter.kind for letter in ledger),
        kills=killed,
        lost=[m for m in expected if not received[ids[m]] or written[m] < is_text[m]],
        doubled=[m for m in expected if received[ids[m]] > 1 or written[m] > is_text[m]],
        failed=[message_id for message_id, state in rows if state in ("received", "failed")],
        answers_to_robots=[m["To"] for m in sent if parseaddr(m["To"])[1].startswith(robots)],
        answers=len(answers),
        repeated_answers=len(sent) - len(answers),
        seconds=seconds,
    )


# --- the long version


def become(user: str) -> None:
    """Give up root for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ.update(HOME=entry.pw_dir, USER=user, LOGNAME=user)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--user", default="skerry", help="For all but Postfix, if run by root.")
    arguments = parser.parse_args()
    servant = RootServant() if os.geteuid() == 0 and MASTER.exists() else None
    if os.geteuid() == 0:
        become(arguments.user)
    base = Path(tempfile.mkdtemp(prefix="storm-", dir="/tmp"))
    base.chmod(0o755)
    with running_site(base, ["desk"], servant) as site:
        desk = site.add_desk("desk")
        print("Postfix and Dovecot" if servant else "Dovecot without Postfix", flush=True)
        result = run_storm(site, desk, arguments.messages, arguments.kills)
        print(result, *[vars(result)[n] for n in ("lost", "doubled", "failed")], sep="\n")
    shutil.rmtree(base, ignore_errors=True)
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
