import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from appliance import env
from appliance.core.database import set_statement_timeout
from appliance.ops import http_server
from appliance.triage import services as triage_services


class Command(BaseCommand):
    # SIGINT lets the requests in flight finish; SIGTERM would drop them.
    help = "Serve HTTP, alone or as one of several processes on the same sockets."
    requires_system_checks = []  # prepare has run them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sockets", nargs="+", type=int, metavar="DESCRIPTOR")

    def handle(self, *, sockets: list[int] | None, **options: object) -> None:
        set_statement_timeout(seconds=5)
        from appliance.wsgi import application

        triage_services.warm_up()
        server = http_server.create_server(
            application,
            **_listen_arguments(sockets),
            limits=http_server.ConnectionLimits(
                per_address=env.number("SKERRY_CONNECTIONS_PER_ADDRESS", 100)
            ),
            threads=8 if env.number("SKERRY_WEB_PROCESSES", 1) == 1 else 6,
            ident=None,
            max_request_header_size=32 * 1024,
            max_request_body_size=settings.UPLOAD_MAX_BYTES,
        )
        server.run()


def _listen_arguments(sockets: list[int] | None) -> dict[str, Any]:
    """Return where to listen: on the sockets of the parent (appliance/launcher/web.py), if any."""
    if sockets:
        return {"sockets": [socket.socket(fileno=descriptor) for descriptor in sockets]}
    return {"host": settings.SKERRY_BIND, "port": settings.SKERRY_PORT}
