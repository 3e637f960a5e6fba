"""A Dovecot of our own on 127.0.0.1, as the user that runs the tests, with TLS and Maildir."""

import contextlib
import getpass
import grp
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.mail.certificates import Certificates

PROGRAM = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PASSWORD = "harbour-ß-lantern"
CONFIG = """\
base_dir = {base}/run
state_dir = {base}/state
instance_name = skerry-test
protocols = imap {more_protocols}
listen = 127.0.0.1
log_path = {base}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
mail_location = maildir:{base}/mail/%n
disable_plaintext_auth = yes
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {base}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/home/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls_port}
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{more}
"""


@dataclass
class Dovecot:
    """A running server. ``stop(kill=True)`` is a kill -9 of all its processes."""

    base: Path
    port: int
    starttls_port: int
    certificates: Certificates
    more: str = ""
    more_protocols: str = ""
    process: subprocess.Popen | None = None

    def start(self) -> None:
        assert PROGRAM
        (self.base / "run").mkdir(exist_ok=True)
        (self.base / "run" / "master.pid").unlink(missing_ok=True)  # of one that was killed
        self.process = subprocess.Popen(
            [PROGRAM, "-F", "-c", str(self.base / "dovecot.conf")],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_ready()

    def stop(self, *, kill: bool = False) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if kill:
                os.killpg(self.process.pid, 9)
            else:
                self.process.terminate()
        self.process.wait(20)
        self.process = None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), timeout=1),
            ):
                return
            time.sleep(0.05)
        log = self.base / "dovecot.log"
        raise AssertionError(log.read_text() if log.exists() else "Dovecot does not listen.")

    @contextlib.contextmanager
    def connected(self, user: str = "desk") -> Iterator[IMAPClient]:
        context = ssl.create_default_context(cadata=self.certificates.ca_pem)
        with IMAPClient("localhost", port=self.port, ssl_context=context, timeout=10) as client:
            client.plain_login(user, PASSWORD)
            yield client

    def deliver(self, source: bytes, *, user: str = "desk", folder: str = "INBOX") -> None:
        """Put an e-mail into a folder, as the mail server of the site would."""
        with self.connected(user) as client:
            client.append(folder, source)

    def count(self, *criteria: str, user: str = "desk", folder: str = "INBOX") -> int:
        with self.connected(user) as client:
            if not client.folder_exists(folder):
                return 0
            client.select_folder(folder, readonly=True)
            return len(client.search([*criteria] or ["ALL"]))


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago."""
    with contextlib.ExitStack() as sockets:
        listeners = [
            sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [listener.getsockname()[1] for listener in listeners]


@contextlib.contextmanager
def running_dovecot(
    base: Path, *, users: tuple[str, ...] = ("desk", "ward"), more: str = "", protocols: str = ""
) -> Iterator[Dovecot]:
    """Run a server with these users, whose password is PASSWORD; skip without the program.

    ``more`` and ``protocols`` are added to its configuration, for instance for LMTP.
    """
    if PROGRAM is None:
        pytest.skip("dovecot is not installed")
    if os.getuid() == 0:
        pytest.skip("Dovecot does not let root log in")
    certificates = Certificates.create(base)
    port, starttls_port = free_ports(2)
    server = Dovecot(base, port, starttls_port, certificates, more, protocols)
    (base / "users").write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}\n" for user in users))
    gid = os.getgid()
    config = CONFIG.format(
        base=base,
        user=getpass.getuser(),
        group=grp.getgrgid(gid).gr_name,
        uid=os.getuid(),
        gid=gid,
        certificate=certificates.certificate,
        key=certificates.key,
        port=port,
        starttls_port=starttls_port,
        more=more,
        more_protocols=protocols,
    )
    (base / "dovecot.conf").write_text(config)
    server.start()
    try:
        yield server
    finally:
        server.stop()
