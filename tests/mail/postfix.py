"""A Postfix of our own on 127.0.0.1 that hands everything to Dovecot. Its master needs root."""

import contextlib
import os
import shutil
import signal
import smtplib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PROGRAM = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
MASTER = Path("/usr/lib/postfix/sbin/master")
MAIN = """\
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
maillog_file = {base}/postfix.log
maillog_file_prefixes = {base}
myhostname = mx.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_recipient_restrictions = permit_mynetworks, reject
smtputf8_enable = yes
virtual_alias_domains =
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:all
virtual_alias_maps = regexp:{base}/aliases
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
recipient_delimiter = +
queue_run_delay = 2s
minimal_backoff_time = 1s
maximal_backoff_time = 3s
default_destination_concurrency_limit = 4
message_size_limit = 60000000
virtual_mailbox_limit = 0
alias_maps =
header_size_limit = 10000000
smtpd_client_connection_rate_limit = 0
"""
MASTER_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 5 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """A mail server; e-mail for one of ``local`` goes to its mailbox, all other to ``world``."""

    base: Path
    port: int
    process: subprocess.Popen | None = None

    @classmethod
    def create(
        cls, base: Path, port: int, lmtp_port: int, certificate: Path, key: Path, local: list[str]
    ) -> "Postfix":
        for name in ("queue", "data"):
            (base / name).mkdir()
        shutil.chown(base / "data", "postfix")
        names = "|".join(name.replace(".", r"\.") for name in local)
        (base / "aliases").write_text(f"if !/^({names})(\\+.*)?@/\n/./ world@example.org\nendif\n")
        values = {"base": base, "port": port, "lmtp_port": lmtp_port}
        values |= {"certificate": certificate, "key": key}
        (base / "main.cf").write_text(MAIN.format(**values))
        (base / "master.cf").write_text(MASTER_SERVICES.format(**values))
        (base / "dynamicmaps.cf").touch()
        subprocess.run([str(PROGRAM), "-c", str(base), "check"], check=False, capture_output=True)
        return cls(base, port)

    def start(self) -> None:
        (self.base / "queue" / "pid" / "master.pid").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [str(MASTER), "-c", str(self.base), "-d"], start_new_session=True
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError, smtplib.SMTPException),
                smtplib.SMTP("127.0.0.1", self.port, timeout=2) as client,
            ):
                client.noop()
                return
            time.sleep(0.1)
        log = self.base / "postfix.log"
        raise AssertionError(log.read_text()[-3000:] if log.exists() else "Postfix does not listen")

    def kill(self) -> None:
        """Kill -9 all its processes, which belong to one session."""
        if self.process is None:
            return
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:
                    os.kill(int(entry.name), signal.SIGKILL)
        self.process.wait(10)
        self.process = None
