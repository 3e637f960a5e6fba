import socket
from argparse import ArgumentParser

import waitress
from django.conf import settings
from django.core.management import BaseCommand

from appliance import env
from appliance.core.database import set_statement_timeout
from appliance.triage import services as triage_services


class Command(BaseCommand):
    """SIGINT lets the requests in flight finish; SIGTERM would drop them."""

    help = "Serve the pages, alone or as one of several processes on the same sockets."
    requires_system_checks = []  # the launcher has run them, in prepare

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sockets", nargs="+", type=int, metavar="DESCRIPTOR")

    def handle(self, *, sockets: list[int] | None, **options: object) -> None:
        set_statement_timeout(seconds=5)
        from appliance.wsgi import application

        triage_services.warm()
        waitress.serve(
            application,
            **self.listening(sockets),
            threads=8 if env.number("SKERRY_WEB_PROCESSES", 1) == 1 else 6,
            ident=None,
            connection_limit=200,
            channel_timeout=60,
            max_request_header_size=32 * 1024,
            max_request_body_size=settings.UPLOAD_MAX_BYTES,
        )

    def listening(self, sockets: list[int] | None) -> dict[str, object]:
        """Where: on what the parent has bound (appliance/launcher/web.py), or on an address."""
        if sockets:
            return {"sockets": [socket.socket(fileno=each) for each in sockets]}
        return {"host": settings.SKERRY_BIND, "port": settings.SKERRY_PORT}
