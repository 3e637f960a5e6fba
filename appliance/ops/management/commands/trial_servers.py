import asyncio
import contextlib
from argparse import ArgumentParser

from django.core.management import BaseCommand

from appliance.ops import services, trial_servers


class Command(BaseCommand):
    help = "Run small mail and directory servers for doctor --egress, on a scratch desk only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address")
        for name in ("imap", "smtp", "ldap"):
            parser.add_argument(f"--{name}", type=int, required=True, metavar="PORT")

    def handle(self, *, address: str, imap: int, smtp: int, ldap: int, **options: object) -> None:
        ports = trial_servers.Ports(imap=imap, smtp=smtp, ldap=ldap)
        credential = trial_servers.Credential(address)
        services.use_trial_servers(address, ports, credential.certificate)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(trial_servers.serve(address, ports, credential, self._report))

    def _report(self, event: str) -> None:
        """Print what a client has done; the doctor reads it."""
        self.stdout.write(event)
        self.stdout.flush()
